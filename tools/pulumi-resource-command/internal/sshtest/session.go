package sshtest

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// session serves one session: its environment, then a command or sftp, and signals.
func (s *Server) session(newChannel ssh.NewChannel) {
	channel, requests, err := newChannel.Accept()
	if err != nil {
		return
	}
	defer func() { _ = channel.Close() }()
	env := os.Environ()
	var cmd *exec.Cmd
	done := make(chan struct{})
	for {
		select {
		case <-done:
			return
		case req, ok := <-requests:
			if !ok {
				if cmd != nil {
					// As with sshd: a command is not killed because its client has gone.
					<-done
				}
				return
			}
			switch req.Type {
			case "env":
				var v struct{ Name, Value string }
				_ = ssh.Unmarshal(req.Payload, &v)
				env = append(env, v.Name+"="+v.Value)
				_ = req.Reply(s.options.AcceptEnv, nil)
			case "exec":
				var v struct{ Command string }
				_ = ssh.Unmarshal(req.Payload, &v)
				cmd = exec.Command("sh", "-c", v.Command)
				cmd.Env, cmd.Stdout, cmd.Stderr = env, channel, channel.Stderr()
				cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				_ = req.Reply(run(cmd, channel, done) == nil, nil)
			case "signal":
				var v struct{ Signal string }
				_ = ssh.Unmarshal(req.Payload, &v)
				if sig := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}[v.Signal]; cmd != nil && sig != 0 {
					_ = syscall.Kill(-cmd.Process.Pid, sig)
				}
			case "subsystem":
				_ = req.Reply(true, nil)
				if server, err := sftp.NewServer(channel); err == nil {
					_ = server.Serve()
				}
				return
			default:
				_ = req.Reply(false, nil)
			}
		}
	}
}

// run starts cmd and, when it has ended, tells the client how and closes done.
func run(cmd *exec.Cmd, channel ssh.Channel, done chan<- struct{}) error {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(stdin, channel)
		_ = stdin.Close()
	}()
	go func() {
		defer close(done)
		err := cmd.Wait()
		var exit *exec.ExitError
		status := struct{ Status uint32 }{}
		if errors.As(err, &exit) {
			if ws := exit.Sys().(syscall.WaitStatus); ws.Signaled() {
				name := map[syscall.Signal]string{syscall.SIGTERM: "TERM", syscall.SIGKILL: "KILL"}[ws.Signal()]
				_, _ = channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
					Signal     string
					CoreDumped bool
					Error      string
					Lang       string
				}{Signal: name}))
				return
			}
			status.Status = uint32(exit.ExitCode())
		}
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
	}()
	return nil
}

// forward joins a channel to the address that it asks for.
func forward(newChannel ssh.NewChannel) {
	var v struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	_ = ssh.Unmarshal(newChannel.ExtraData(), &v)
	conn, err := net.Dial("tcp", net.JoinHostPort(v.Host, strconv.Itoa(int(v.Port))))
	if err != nil {
		_ = newChannel.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := newChannel.Accept()
	if err != nil {
		_ = conn.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	go func() {
		_, _ = io.Copy(conn, channel)
		_ = conn.Close()
	}()
	_, _ = io.Copy(channel, conn)
	_ = channel.Close()
}
