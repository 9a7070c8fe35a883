package city

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/edge-arena/edge-arena/internal/plan"
	"github.com/edge-arena/edge-arena/modules/messaging"
	"github.com/edge-arena/edge-arena/modules/monitoring"
	"github.com/edge-arena/edge-arena/modules/policy"
)

// makeMonitoring makes what the city is watched with and, where it is the region's hub, that.
func (b *builder) makeMonitoring() error {
	if !b.city.Monitoring.Enabled {
		return nil
	}
	watch := b.args.Watch
	args := &monitoring.CityArgs{
		Region: b.args.Region, City: b.city, ContainerMonth: plan.Baseline(&b.city).ContainerMonth,
		NATS:            fmt.Sprintf("http://%s.%s.svc:%d", messaging.App, namespace, messaging.MonitorPort),
		BattleNamespace: b.battle.Namespace, ServicesNamespace: b.namespace.Metadata.Name().Elem(), PolicyNamespace: pulumi.String(policy.Namespace),
		Cluster: b.cluster, After: b.policies.Ready,
	}
	args.Gateway = b.city.IsHub && watch != nil && b.args.Hub != ""
	if !b.city.IsHub && watch != nil && b.args.Hub != "" {
		args.Hub = &monitoring.HubAccess{Address: b.args.Hub, CA: watch.CA}
		args.Hub.Certificate, args.Hub.Key = watch.City(b.city.Name)
	}
	city, err := monitoring.NewCity(b.ctx, b.name+"-monitoring", args, b.inCluster())
	if err != nil {
		return err
	}
	b.watched = city.Ready
	if !b.city.IsHub {
		return nil
	}
	hub := &monitoring.HubArgs{Region: b.args.Region, City: b.city, Cities: b.args.Watched, Watched: city, Cluster: b.cluster}
	if watch != nil {
		hub.GrafanaPassword = watch.GrafanaPassword
		if b.args.Hub != "" {
			hub.Gateway = &monitoring.GatewayAccess{CA: watch.CA, Certificate: watch.Certificate, Key: watch.Key}
		}
	}
	made, err := monitoring.NewHub(b.ctx, b.name+"-hub", hub, b.inCluster())
	if err != nil {
		return err
	}
	b.watched = append(b.watched, made.Ready...)
	return nil
}
