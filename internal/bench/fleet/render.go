package fleet

import (
	"fmt"
	"io"
	"time"

	"github.com/edge-arena/edge-arena/internal/bench/document"
)

// begin and end mark where a document has the fragment.
const (
	begin = "<!-- arena bench-fleet: begin -->"
	end   = "<!-- arena bench-fleet: end -->"
)

// where says on what all of it was measured.
func (r *Report) where() string {
	return fmt.Sprintf("%s, %d cores, %.1f GB of memory, %s %s, load %s before the last run; K3s %s; report of %s",
		r.Machine.CPU, r.Machine.Cores, gb(r.Machine.Memory), r.Machine.OS, r.Machine.Kernel, r.Load, r.K3s, r.Started.Format(time.DateTime+" MST"))
}

func (r *Report) document() document.Document {
	return document.Document{Command: r.Command, Where: r.where(), Warnings: r.Warnings(), Sections: r.sections()}
}

// Table writes the report for people at a terminal.
func (r *Report) Table(w io.Writer) { r.document().Table(w) }

// Markdown writes the report for a document.
func (r *Report) Markdown(w io.Writer) { r.document().Markdown(w) }

// WriteMarkdown puts the report into the file at path: between the marks, where the file has them, and else into a file of its own.
func (r *Report) WriteMarkdown(path string) error {
	return r.document().WriteMarkdown(path, begin, end)
}
