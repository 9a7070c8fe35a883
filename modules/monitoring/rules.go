package monitoring

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/edge-arena/edge-arena/modules/config"
	data "github.com/edge-arena/edge-arena/monitoring"
)

// The rule files that follow from the stack file: a city's, and a hub's.
const (
	ownRules     = "city-info.yaml"
	awaitedRules = "cities.yaml"
)

// cityRules are what a city tells of itself: constants of its config, so that dashboards and alerts know what is wanted where.
func cityRules(region string, city config.City, hub bool, containerMonth float64) (string, error) {
	labels := func(more object) object {
		all := object{"region": region, "city": city.Name}
		for key, value := range more {
			all[key] = value
		}
		return all
	}
	latitude, longitude := "", ""
	if city.Location != nil {
		latitude, longitude = number(city.Location.Latitude), number(city.Location.Longitude)
	}
	month := 0.0
	currency := city.Prices.Currency
	for _, n := range city.Nodes {
		month += n.Prices.NodeMonth
	}
	rule := func(record string, value float64, more object) object {
		return object{"record": record, "expr": "vector(" + number(value) + ")", "labels": labels(more)}
	}
	return marshal(object{"groups": []object{{"name": "city-info", "interval": "1m", "rules": []object{
		rule("edge_arena_city_info", 1, object{"latitude": latitude, "longitude": longitude, "hub": strconv.FormatBool(hub)}),
		rule("edge_arena_city_battle_pods_desired", float64(city.Battle.Replicas), nil),
		rule("edge_arena_city_ledger_backup_interval_seconds", city.Lobby.Backups.Every.Seconds(), nil),
		rule("edge_arena_city_node_cost", month, object{"currency": currency}),
		rule("edge_arena_city_container_node_cost", containerMonth, object{"currency": currency}),
	}}}})
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// awaited tell which cities the stack file has, so that one which is silent is told from one that was taken away.
func awaited(region string, cities []string) (string, error) {
	rules := []object{}
	for _, city := range slices.Sorted(slices.Values(cities)) {
		rules = append(rules, object{"record": "edge_arena_city_watched", "expr": "vector(1)", "labels": object{"region": region, "city": city}})
	}
	return marshal(object{"groups": []object{{"name": "cities", "interval": "1m", "rules": rules}}})
}

// hubRules are the rules of the long-term Prometheus, without the alerts about what the hub does not have, and with the cities that it waits for.
func hubRules(m config.Monitoring, region string, cities []string) (map[string]string, error) {
	var lacking []string
	if !hasGrafana(m) {
		lacking = append(lacking, "Grafana")
	}
	if !hasLoki(m) {
		lacking = append(lacking, "Loki")
	}
	rules := data.HubRules()
	var err error
	if rules[awaitedRules], err = awaited(region, cities); err != nil {
		return nil, err
	}
	if len(lacking) == 0 {
		return rules, nil
	}
	for name, text := range rules {
		var file object
		if err := yaml.Unmarshal([]byte(text), &file); err != nil {
			return nil, fmt.Errorf("rules %s: %w", name, err)
		}
		groups, _ := file["groups"].([]any)
		for _, g := range groups {
			group, _ := g.(object)
			all, _ := group["rules"].([]any)
			group["rules"] = slices.DeleteFunc(all, func(r any) bool {
				rule, _ := r.(object)
				alert, _ := rule["alert"].(string)
				return slices.ContainsFunc(lacking, func(part string) bool { return strings.HasPrefix(alert, part) })
			})
		}
		if rules[name], err = marshal(file); err != nil {
			return nil, err
		}
	}
	return rules, nil
}
