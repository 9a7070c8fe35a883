// Package output takes in what a command writes: it keeps it, logs it while it comes, and makes a readable error of it.
package output

import "github.com/pulumi/pulumi-go-provider/infer"

// Logging says which of a command's streams is logged while it runs. Both are kept as outputs in any case.
type Logging string

// The values of Logging.
const (
	LogStdout          Logging = "stdout"
	LogStderr          Logging = "stderr"
	LogStdoutAndStderr Logging = "stdoutAndStderr"
	LogNone            Logging = "none"
)

// Values lists the values of Logging for the schema.
func (Logging) Values() []infer.EnumValue[Logging] {
	return []infer.EnumValue[Logging]{
		{Name: string(LogStdout), Value: LogStdout, Description: "Log stdout but not stderr"},
		{Name: string(LogStderr), Value: LogStderr, Description: "Log stderr but not stdout"},
		{Name: string(LogStdoutAndStderr), Value: LogStdoutAndStderr, Description: "Log stdout and stderr"},
		{Name: string(LogNone), Value: LogNone, Description: "Log nothing"},
	}
}

// stdout says whether stdout is logged; a nil Logging is the default, both.
func (l *Logging) stdout() bool { return l == nil || *l == LogStdout || *l == LogStdoutAndStderr }

// stderr says whether stderr is logged.
func (l *Logging) stderr() bool { return l == nil || *l == LogStderr || *l == LogStdoutAndStderr }
