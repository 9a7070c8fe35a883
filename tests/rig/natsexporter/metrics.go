package main

import (
	"bytes"
	"fmt"
	"strconv"
)

// varz is what of NATS's /varz is told.
type varz struct {
	Name             string  `json:"server_name"`
	Connections      float64 `json:"connections"`
	TotalConnections float64 `json:"total_connections"`
	MaxConnections   float64 `json:"max_connections"`
	Subscriptions    float64 `json:"subscriptions"`
	LeafNodes        float64 `json:"leafnodes"`
	SlowConsumers    float64 `json:"slow_consumers"`
	InMessages       float64 `json:"in_msgs"`
	OutMessages      float64 `json:"out_msgs"`
	InBytes          float64 `json:"in_bytes"`
	OutBytes         float64 `json:"out_bytes"`
	Memory           float64 `json:"mem"`
	CPU              float64 `json:"cpu"`
	Cores            float64 `json:"cores"`
}

// jsz is what of NATS's /jsz is told.
type jsz struct {
	Disabled  bool    `json:"disabled"`
	Streams   float64 `json:"streams"`
	Consumers float64 `json:"consumers"`
	Messages  float64 `json:"messages"`
	Bytes     float64 `json:"bytes"`
	Config    struct {
		MaxMemory  float64 `json:"max_memory"`
		MaxStorage float64 `json:"max_storage"`
		Domain     string  `json:"domain"`
	} `json:"config"`
	Accounts []struct {
		Name    string   `json:"name"`
		ID      string   `json:"id"`
		Streams []stream `json:"stream_detail"`
	} `json:"account_details"`
}

type stream struct {
	Name  string `json:"name"`
	State struct {
		Messages  float64 `json:"messages"`
		Bytes     float64 `json:"bytes"`
		First     float64 `json:"first_seq"`
		Last      float64 `json:"last_seq"`
		Consumers float64 `json:"consumer_count"`
	} `json:"state"`
	Consumers []consumer `json:"consumer_detail"`
}

type consumer struct {
	Name        string   `json:"name"`
	Delivered   position `json:"delivered"`
	AckFloor    position `json:"ack_floor"`
	AckPending  float64  `json:"num_ack_pending"`
	Redelivered float64  `json:"num_redelivered"`
	Waiting     float64  `json:"num_waiting"`
	Pending     float64  `json:"num_pending"`
}

type position struct {
	Consumer float64 `json:"consumer_seq"`
	Stream   float64 `json:"stream_seq"`
}

type label struct{ name, value string }

type metric struct {
	name  string
	value float64
}

// page is a page of metrics in Prometheus's text format. All of them are gauges, as upstream has them.
type page struct {
	bytes.Buffer
	typed map[string]bool
}

func (p *page) add(name string, value float64, labels ...label) {
	if p.typed == nil {
		p.typed = map[string]bool{}
	}
	if !p.typed[name] {
		p.typed[name] = true
		fmt.Fprintf(p, "# TYPE %s gauge\n", name)
	}
	p.WriteString(name)
	for i, l := range labels {
		sep := ","
		if i == 0 {
			sep = "{"
		}
		fmt.Fprintf(p, "%s%s=%q", sep, l.name, l.value)
	}
	fmt.Fprintf(p, "} %s\n", strconv.FormatFloat(value, 'g', -1, 64))
}

func (p *page) all(prefix string, metrics []metric, labels []label) {
	for _, m := range metrics {
		p.add(prefix+m.name, m.value, labels...)
	}
}

func (p *page) varz(v varz, server string) {
	p.all("gnatsd_varz_", []metric{
		{"connections", v.Connections}, {"total_connections", v.TotalConnections}, {"max_connections", v.MaxConnections},
		{"subscriptions", v.Subscriptions}, {"leafnodes", v.LeafNodes}, {"slow_consumers", v.SlowConsumers},
		{"in_msgs", v.InMessages}, {"out_msgs", v.OutMessages}, {"in_bytes", v.InBytes}, {"out_bytes", v.OutBytes},
		{"mem", v.Memory}, {"cpu", v.CPU}, {"cores", v.Cores},
	}, []label{{"server_id", server}})
}

// jsz tells JetStream's numbers. A city's NATS is one server, so it leads whatever there is to lead.
func (p *page) jsz(j jsz, name, server string) {
	labels := []label{{"server_id", server}, {"server_name", name}, {"cluster", ""}, {"domain", j.Config.Domain}, {"meta_leader", ""}, {"is_meta_leader", "true"}}
	p.all("jetstream_server_", []metric{
		{"jetstream_disabled", number(j.Disabled)}, {"max_memory", j.Config.MaxMemory}, {"max_storage", j.Config.MaxStorage},
		{"total_streams", j.Streams}, {"total_consumers", j.Consumers}, {"total_messages", j.Messages}, {"total_message_bytes", j.Bytes},
	}, labels)
	for _, account := range j.Accounts {
		for _, s := range account.Streams {
			of := append(labels[:len(labels):len(labels)],
				label{"account", account.Name}, label{"account_id", account.ID}, label{"stream_name", s.Name}, label{"stream_leader", ""}, label{"is_stream_leader", "true"})
			p.all("jetstream_stream_", []metric{
				{"total_messages", s.State.Messages}, {"total_bytes", s.State.Bytes}, {"first_seq", s.State.First}, {"last_seq", s.State.Last},
				{"consumer_count", s.State.Consumers},
			}, of)
			for _, c := range s.Consumers {
				p.all("jetstream_consumer_", []metric{
					{"delivered_consumer_seq", c.Delivered.Consumer}, {"delivered_stream_seq", c.Delivered.Stream},
					{"num_ack_pending", c.AckPending}, {"num_redelivered", c.Redelivered}, {"num_waiting", c.Waiting}, {"num_pending", c.Pending},
					{"ack_floor_stream_seq", c.AckFloor.Stream}, {"ack_floor_consumer_seq", c.AckFloor.Consumer},
				}, append(of[:len(of):len(of)], label{"consumer_name", c.Name}, label{"consumer_leader", ""}, label{"is_consumer_leader", "true"}))
			}
		}
	}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
