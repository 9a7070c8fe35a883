package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/edge-arena/edge-arena/internal/fleet"
	"github.com/edge-arena/edge-arena/internal/slo"
	"github.com/edge-arena/edge-arena/modules/config"
)

// chinaCities are 10 regions of 11 cities: each city's name, latitude and longitude.
const chinaCities = `
north-hebei: beijing 39.90 116.41, tianjin 39.08 117.20, shijiazhuang 38.04 114.51, tangshan 39.63 118.18, baoding 38.87 115.46, handan 36.63 114.54, qinhuangdao 39.94 119.60, zhangjiakou 40.77 114.88, chengde 40.95 117.96, cangzhou 38.30 116.84, langfang 39.52 116.70
northeast: harbin 45.80 126.53, changchun 43.82 125.32, shenyang 41.81 123.43, dalian 38.91 121.61, jilin 43.84 126.55, qiqihar 47.35 123.92, daqing 46.59 125.10, anshan 41.11 122.99, jinzhou 41.10 121.13, mudanjiang 44.55 129.63, yanji 42.89 129.51
east-jiangsu: shanghai 31.23 121.47, nanjing 32.06 118.80, suzhou 31.30 120.59, wuxi 31.49 120.31, changzhou 31.81 119.97, xuzhou 34.26 117.18, nantong 31.98 120.89, yangzhou 32.39 119.41, yancheng 33.35 120.16, lianyungang 34.60 119.22, huaian 33.61 119.02
east-zhejiang: hangzhou 30.27 120.16, ningbo 29.87 121.54, wenzhou 28.00 120.67, jiaxing 30.75 120.76, huzhou 30.89 120.09, shaoxing 30.03 120.58, jinhua 29.08 119.65, quzhou 28.94 118.87, taizhou 28.66 121.42, zhoushan 29.99 122.21, lishui 28.47 119.92
shandong: jinan 36.65 117.12, qingdao 36.07 120.38, yantai 37.46 121.45, weifang 36.71 119.16, zibo 36.81 118.05, linyi 35.10 118.36, jining 35.41 116.59, taian 36.20 117.09, weihai 37.51 122.12, heze 35.23 115.48, dongying 37.43 118.67
south-guangdong: guangzhou 23.13 113.26, shenzhen 22.54 114.06, zhuhai 22.27 113.58, foshan 23.02 113.12, dongguan 23.02 113.75, shantou 23.35 116.68, zhanjiang 21.27 110.36, huizhou 23.11 114.42, haikou 20.04 110.34, shaoguan 24.81 113.60, meizhou 24.29 116.12
southeast-fujian: fuzhou 26.07 119.30, xiamen 24.48 118.09, quanzhou 24.87 118.68, zhangzhou 24.51 117.65, putian 25.45 119.01, nanping 26.64 118.18, longyan 25.08 117.02, nanchang 28.68 115.86, ganzhou 25.83 114.93, jiujiang 29.71 116.00, shangrao 28.45 117.94
central: wuhan 30.59 114.31, changsha 28.23 112.94, zhengzhou 34.75 113.63, hefei 31.82 117.23, yichang 30.69 111.29, xiangyang 32.01 112.12, hengyang 26.89 112.57, yueyang 29.36 113.13, luoyang 34.62 112.45, nanyang 32.99 112.53, xinyang 32.15 114.09
southwest: chengdu 30.57 104.07, chongqing 29.56 106.55, kunming 25.04 102.71, guiyang 26.65 106.63, nanning 22.82 108.32, guilin 25.27 110.29, mianyang 31.47 104.68, zunyi 27.73 106.93, dali 25.61 100.27, lhasa 29.65 91.14, panzhihua 26.58 101.72
northwest: xian 34.34 108.94, lanzhou 36.06 103.83, urumqi 43.83 87.62, xining 36.62 101.78, yinchuan 38.49 106.23, hohhot 40.84 111.75, baotou 40.66 109.84, taiyuan 37.87 112.55, kashgar 39.47 75.99, baoji 34.36 107.24, datong 40.08 113.30`

// china is a fleet of 110 cities in the middle of a roll-out: most hold their objectives, some miss one, are owed, failed, or wait.
func china() fleet.Snapshot {
	s := fleet.Snapshot{Taken: taken}
	random := rand.New(rand.NewPCG(1, 2))
	for line := range strings.Lines(strings.TrimSpace(chinaCities)) {
		name, list, _ := strings.Cut(strings.TrimSpace(line), ": ")
		r := fleet.RegionStatus{Name: name, State: fleet.Done, Waves: []string{"canary", "half", "rest"}, Currency: "CNY", Seconds: 240 + 200*random.Float64()}
		for i, entry := range strings.Split(list, ", ") {
			c := fleet.CityStatus{
				Wave: r.Waves[min(2, (i+4)/5)], Location: &config.Location{}, State: fleet.Done, Nodes: 2 + random.IntN(4),
				K3s: "v1.30.4+k3s1", WasmEdge: "0.14.1", Gate: played(random, 1.6+3*random.Float64(), .28),
			}
			if _, err := fmt.Sscanf(entry, "%s %g %g", &c.Name, &c.Location.Latitude, &c.Location.Longitude); err != nil {
				panic(err)
			}
			c.Pods = c.Nodes * 12
			c.FreePods = c.Nodes * (2 + random.IntN(6))
			c.Cost, c.Baseline = float64(c.Nodes)*290, float64(c.Pods)*96.5
			r.Cities = append(r.Cities, c)
		}
		slices.SortStableFunc(r.Cities, func(a, b fleet.CityStatus) int {
			return strings.Compare(a.Wave+a.Name, b.Wave+b.Name)
		})
		s.Regions = append(s.Regions, r)
	}
	s.Regions[3].Canary = true
	trouble(&s, random)
	return s
}

// trouble makes of some cities what an operator has to look at.
func trouble(s *fleet.Snapshot, random *rand.Rand) {
	city := func(region, n int) *fleet.CityStatus { return &s.Regions[region].Cities[n] }
	for _, at := range [][2]int{{2, 4}, {5, 3}} {
		c := city(at[0], at[1])
		c.Gate, c.State = played(random, 7, .55), fleet.Failed
		c.Gate.RolledBackTo = "registry.example/battle@sha256:8c1d9ab4"
		c.Gate.Warnings = []string{"the bots sent 1% of their inputs 2.5 ms or more late"}
		c.Error = "gate: " + c.Name + " missed its objectives after 2 attempts; put back to the image before"
	}
	s.Regions[5].State, s.Regions[5].Error, s.Regions[5].Log = fleet.Failed, "update of stack south-guangdong failed:\n  city "+city(5, 3).Name+": objectives missed\n  city "+city(5, 6).Name+": install K3s: exit status 1", "south-guangdong.log"
	s.Regions[2].State, s.Regions[2].Error = fleet.Failed, "update of stack east-jiangsu failed: city "+city(2, 4).Name+": objectives missed"
	broken := city(5, 6)
	broken.State, broken.Step, broken.Gate, broken.K3s, broken.WasmEdge = fleet.Failed, "install K3s", nil, "", ""
	broken.Error = "install K3s on node-2: exit status 1\n[INFO]  systemd: Starting k3s\nJob for k3s.service failed because the control process exited with error code.\nlevel=fatal msg=\"starting kubernetes: preparing server: failed to get CA certs: Get \\\"https://10.20.6.2:6443/cacerts\\\": dial tcp 10.20.6.2:6443: i/o timeout\""
	for _, at := range [][2]int{{8, 5}, {9, 3}, {9, 9}, {1, 7}} {
		c := city(at[0], at[1])
		c.State, c.Owed = fleet.Owed, &fleet.Debt{Since: taken.Add(-53 * time.Hour), Reason: "node " + c.Name + "-1 did not answer: ssh: connect to host port 22: connection timed out"}
	}
	s.Regions[8].State, s.Regions[7].State = fleet.Running, fleet.Stopped
	for n := 6; n < 11; n++ {
		for _, region := range []int{7, 8} {
			c := city(region, n)
			c.State, c.Gate = fleet.Untouched, nil
		}
	}
	at := city(8, 6)
	at.State, at.Step = fleet.Running, "import images"
	city(6, 10).Location = nil
}

// played is what a gate finds whose round trips, in ms, are log-normal around the median; every lost packet waits for the next tick.
func played(random *rand.Rand, median, spread float64) *slo.Outcome {
	const inputs = 240_000
	counts := map[int]int64{}
	times := make([]float64, inputs/8)
	for i := range times {
		times[i] = median * math.Exp(spread*random.NormFloat64())
		if random.Float64() < .004 {
			times[i] += 8.3 + 8.3*random.Float64()
		}
		counts[int(math.Ceil(math.Log(times[i])/math.Log(1.08)))] += 8
	}
	slices.Sort(times)
	at := func(share float64) float64 { return times[int(share*float64(len(times)))] }
	g := outcome(at(.5), at(.99), at(.999), 119.7+.3*random.Float64())
	g.InputsScheduled, g.InputsLost, g.Distribution = inputs, int64(random.IntN(3)), nil
	keys := make([]int, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		g.Distribution = append(g.Distribution, slo.Bucket{UpToMs: math.Pow(1.08, float64(k)), Count: counts[k]})
	}
	return g
}
