package redact_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/tools/pulumi-resource-command/internal/redact"
)

func TestClean(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		secrets  []string
		in, want string
	}{
		"none":                       {nil, "as it is", "as it is"},
		"every occurrence":           {[]string{"hunter2"}, "hunter2 and hunter2", "[secret] and [secret]"},
		"the longer of two":          {[]string{"hunter2", "hunter2-and-more"}, "hunter2-and-more", "[secret]"},
		"each line of many":          {[]string{"first-line\n  second-line\n"}, "got second-line", "got [secret]"},
		"short words of many lines":  {[]string{"if true\nthen\ndone now\n"}, "then", "then"},
		"values too short to matter": {[]string{"on"}, "on and on", "on and on"},
		"the empty value":            {[]string{""}, "text", "text"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, redact.New(tt.secrets...).Clean(tt.in))
		})
	}
}
