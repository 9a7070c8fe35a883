package monitoring

// webhookFile is the file with the address that alerts are sent to.
const webhookFile = "webhook-url"

// The receiver of alerts that nobody is to be told of.
const nobody = "nobody"

// alertmanagerConfig is the configuration of the region's Alertmanager: each region has a receiver of its own.
func alertmanagerConfig(region string, webhook bool) (string, error) {
	receivers := []object{{"name": nobody}}
	route := object{
		"receiver": nobody, "group_by": []string{"region", "city", "alertname"},
		"group_wait": "10s", "group_interval": "1m", "repeat_interval": "4h",
	}
	if webhook {
		receiver := "region-" + region
		receivers = append(receivers, object{"name": receiver, "webhook_configs": []object{{"url_file": configDir + "/" + webhookFile, "send_resolved": true}}})
		route["routes"] = []object{{"receiver": receiver, "matchers": []string{`region="` + region + `"`}}}
	}
	return marshal(object{
		"route": route, "receivers": receivers,
		// A burn rate that pages has a slower one that would write a ticket for the same.
		"inhibit_rules": []object{{
			"source_matchers": []string{`severity="page"`}, "target_matchers": []string{`severity="ticket"`}, "equal": []string{"alertname", "region", "city"},
		}},
	})
}
