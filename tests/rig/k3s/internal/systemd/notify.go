// Package systemd tells the service manager when the node is up.
package systemd

import (
	"os"

	"github.com/coreos/go-systemd/v22/daemon"
	"k8s.io/klog/v2"
)

const socketVariable = "NOTIFY_SOCKET"

// Notifier tells the service manager that the service is up.
type Notifier struct{ socket string }

// TakeNotifier takes the service manager's socket out of the environment: the apiserver and the kubelet, and containerd too, would
// each report that they are up, and the first of them would speak for all.
func TakeNotifier() Notifier {
	n := Notifier{socket: os.Getenv(socketVariable)}
	if err := os.Unsetenv(socketVariable); err != nil {
		klog.ErrorS(err, "Cannot change the environment")
	}
	return n
}

// Ready reports that the service is up. Without a service manager it does nothing.
func (n Notifier) Ready() {
	if n.socket == "" {
		return
	}
	err := os.Setenv(socketVariable, n.socket)
	if err == nil {
		_, err = daemon.SdNotify(true, daemon.SdNotifyReady)
	}
	if err != nil {
		klog.ErrorS(err, "Cannot notify the service manager")
	}
}
