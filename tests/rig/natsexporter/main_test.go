package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answers are what a NATS with one stream and one consumer tells, as far as it is read.
var answers = map[string]string{
	"/varz": `{"server_name": "shanghai", "connections": 3, "slow_consumers": 1, "in_msgs": 1500000, "mem": 20971520, "cpu": 0.5}`,
	"/jsz": `{"streams": 1, "consumers": 1, "messages": 7, "config": {"max_storage": 966367641}, "account_details": [{"name": "$G", "id": "$G", "stream_detail": [{
		"name": "BATTLE_RESULTS", "state": {"messages": 7, "bytes": 2048, "first_seq": 1, "last_seq": 7, "consumer_count": 1},
		"consumer_detail": [{"name": "lobby", "delivered": {"consumer_seq": 6, "stream_seq": 6}, "num_pending": 1}]}]}]}`,
}

func scrape(t *testing.T, server string) string {
	t.Helper()
	page := httptest.NewRecorder()
	exporter{client: http.DefaultClient, server: server, varz: true, jsz: true}.serve(page, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	return page.Body.String()
}

func TestScrape(t *testing.T) {
	nats := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, answers[r.URL.Path]) }))
	defer nats.Close()
	got := scrape(t, nats.URL)
	for _, want := range []string{
		`gnatsd_up{server_id="` + nats.URL + `"} 1`,
		"# TYPE gnatsd_varz_connections gauge\n",
		`gnatsd_varz_slow_consumers{server_id="` + nats.URL + `"} 1`,
		`gnatsd_varz_in_msgs{server_id="` + nats.URL + `"} 1.5e+06`,
		`jetstream_server_max_storage{server_id="` + nats.URL + `",server_name="shanghai",`,
		`account="$G",account_id="$G",stream_name="BATTLE_RESULTS",stream_leader="",is_stream_leader="true"} 2048`,
		`consumer_name="lobby",consumer_leader="",is_consumer_leader="true"} 1`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "# TYPE gnatsd_varz_mem gauge"); n != 1 {
		t.Errorf("a type is told %d times", n)
	}
}

func TestAServerThatIsAway(t *testing.T) {
	nats := httptest.NewServer(http.NotFoundHandler())
	defer nats.Close()
	if got, want := scrape(t, nats.URL), "# TYPE gnatsd_up gauge\ngnatsd_up{server_id=\""+nats.URL+"\"} 0\n"; got != want {
		t.Errorf("%q instead of %q", got, want)
	}
}

func TestFlags(t *testing.T) {
	for want, args := range map[string][]string{
		"the address of NATS's monitoring is wanted, http://host:port": nil,
		`-jsz "streams": this stand-in knows all alone`:                {"-jsz=streams", "http://localhost:8222"},
	} {
		if err := run(args); err == nil || err.Error() != want {
			t.Errorf("%v: %v", args, err)
		}
	}
}
