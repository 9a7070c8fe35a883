package proc

// sshd's listener is what remains of the chain from a session's process to the first one.
const first = 1

// Without returns the sample less the process pid and those above it, up to but without the children of process 1: a program that
// is run over SSH to look at a host is no part of what it looks at, the SSH server is.
func (s Sample) Without(pid int) Sample {
	parent := map[int]int{}
	for _, p := range s.Processes {
		parent[p.PID] = p.Parent
	}
	own := map[int]bool{}
	for at := pid; at > first && parent[at] != first && !own[at]; at = parent[at] {
		own[at] = true
	}
	out := Sample{Taken: s.Taken}
	for _, p := range s.Processes {
		if !own[p.PID] {
			out.Processes = append(out.Processes, p)
		}
	}
	return out
}
