package mail_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is an SMTP server on loopback that does what a test tells it, byte by
// byte, and keeps what it was told.
type script struct {
	*testing.T
	listener net.Listener
	offers   []string                    // extensions
	reply    func(step string) behaviour // what to do at a step; nil: all is well

	mu          sync.Mutex
	connections int
	said        []string // commands, in order
	ahead       int      // commands that came before those before them were answered
	messages    []string // as received, dots unstuffed
	over        chan struct{}
}

// behaviour is how a server meets a step: it answers with the text, or does what
// one of the words says.
type behaviour string

const (
	well    behaviour = ""
	hang    behaviour = "hang"
	hangUp  behaviour = "close"
	garbage behaviour = "garbage"
	slowly  behaviour = "slowly" // the right answer, a byte at a time
)

func serve(t *testing.T, reply func(step string) behaviour, offers ...string) *script {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{T: t, listener: listener, offers: offers, reply: reply, over: make(chan struct{})}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { s.talk(conn) })
		}
	})
	t.Cleanup(func() {
		close(s.over)
		listener.Close()
		running.Wait()
	})
	return s
}

// url is the server as a setting.
func (s *script) url() string { return "smtp://" + s.listener.Addr().String() }

func (s *script) talk(conn net.Conn) {
	defer conn.Close()
	s.mu.Lock()
	s.connections++
	s.mu.Unlock()
	in := bufio.NewReader(conn)
	if !s.answer(conn, "greeting", "220 here\r\n") {
		return
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if !s.command(conn, in, strings.TrimRight(line, "\r\n")) {
			return
		}
	}
}

// command meets one command; false ends the connection.
func (s *script) command(conn net.Conn, in *bufio.Reader, line string) bool {
	s.mu.Lock()
	s.said = append(s.said, line)
	if in.Buffered() > 0 {
		s.ahead++
	}
	s.mu.Unlock()
	verb, _, _ := strings.Cut(line, " ")
	switch verb {
	case "EHLO", "HELO":
		return s.answer(conn, "EHLO", s.extensions())
	case "AUTH":
		return s.answer(conn, verb, "235 welcome\r\n")
	case "DATA":
		return s.answer(conn, verb, "354 go on\r\n") && s.message(conn, in)
	case "QUIT":
		s.answer(conn, verb, "221 bye\r\n")
		return false
	default:
		return s.answer(conn, verb, "250 fine\r\n")
	}
}

func (s *script) extensions() string {
	var b strings.Builder
	b.WriteString("250-here\r\n")
	for _, offer := range s.offers {
		fmt.Fprintf(&b, "250-%s\r\n", offer)
	}
	b.WriteString("250 ENHANCEDSTATUSCODES\r\n")
	return b.String()
}

// message reads to the final dot, unless the server was told to refuse DATA.
func (s *script) message(conn net.Conn, in *bufio.Reader) bool {
	if s.does("DATA") != well && s.does("DATA") != slowly {
		return true
	}
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	s.mu.Lock()
	s.messages = append(s.messages, b.String())
	s.mu.Unlock()
	return s.answer(conn, "dot", "250 taken\r\n")
}

func (s *script) does(step string) behaviour {
	if s.reply == nil {
		return well
	}
	return s.reply(step)
}

// answer does what the test wants at the step; false ends the connection.
func (s *script) answer(conn net.Conn, step, right string) bool {
	switch do := s.does(step); do {
	case well:
		conn.Write([]byte(right))
	case hang:
		<-s.over
		return false
	case hangUp:
		return false
	case garbage:
		conn.Write([]byte("\x00\xff what?\r\n"))
	case slowly:
		for i := range len(right) {
			conn.Write([]byte{right[i]})
			time.Sleep(time.Millisecond)
		}
	default:
		conn.Write([]byte(string(do) + "\r\n"))
	}
	return true
}

// heard gives what the server was told so far.
func (s *script) heard() (connections int, said, messages []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections, append([]string(nil), s.said...), append([]string(nil), s.messages...)
}

// early is how many commands came before those before them were answered.
func (s *script) early() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ahead
}

// eachDialogue runs a test with a server to which one command is said after the
// other, and with one to which they are said together.
func eachDialogue(t *testing.T, test func(t *testing.T, offers ...string)) {
	t.Run("one by one", func(t *testing.T) { test(t) })
	t.Run("together", func(t *testing.T) { test(t, "PIPELINING") })
}
