package monitoring

import "github.com/edge-arena/edge-arena/monitoring/rules"

// The files with the addresses that alerts are sent to, and the hub's sign of life.
const (
	webhookFile  = "webhook-url"
	watchdogFile = "watchdog-url"
)

// The receivers: of alerts that nobody is to be told of, and of the sign of life where it has one of its own.
const (
	nobody   = "nobody"
	watchdog = "watchdog"
)

// alertmanagerConfig is the configuration of the region's Alertmanager: each region has a receiver of its own. webhook and watches tell whether there is
// one for alerts, and one for the sign of life.
func alertmanagerConfig(region string, webhook, watches bool) (string, error) {
	receivers := []object{{"name": nobody}}
	route := object{
		"receiver": nobody, "group_by": []string{"region", "city", "alertname"},
		"group_wait": "10s", "group_interval": "1m", "repeat_interval": "4h",
	}
	own := "region-" + region
	inRegion := `region="` + region + `"`
	receiver := func(name, file string, resolved bool) {
		receivers = append(receivers, object{"name": name, "webhook_configs": []object{{"url_file": configDir + "/" + file, "send_resolved": resolved}}})
	}
	// The first route that fits is taken. Nobody waits for the end of a sign of life, but for the next one.
	alive := object{"matchers": []string{inRegion, `alertname="` + rules.Watchdog + `"`}, "group_wait": "0s"}
	var routes []object
	switch {
	case watches:
		receiver(watchdog, watchdogFile, false)
		alive["receiver"], alive["group_interval"], alive["repeat_interval"] = watchdog, "30s", "1m"
		routes = append(routes, alive)
	case webhook:
		alive["receiver"], alive["repeat_interval"] = own, "1h"
		routes = append(routes, alive)
	}
	if webhook {
		receiver(own, webhookFile, true)
		routes = append(routes, object{"receiver": own, "matchers": []string{inRegion, `severity!="` + rules.Heartbeat + `"`}})
	}
	if len(routes) > 0 {
		route["routes"] = routes
	}
	return marshal(object{
		"route": route, "receivers": receivers,
		// A burn rate that pages has a slower one that would write a ticket for the same.
		"inhibit_rules": []object{{
			"source_matchers": []string{`severity="page"`}, "target_matchers": []string{`severity="ticket"`}, "equal": []string{"alertname", "region", "city"},
		}},
	})
}
