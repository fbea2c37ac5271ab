//go:build servers

package servers

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Ports are drawn below the kernel's range for outgoing connections (from 32768 on Linux): a server that is stopped
// and started again must find its port free, and an outgoing connection of the test could have taken it meanwhile.
const (
	firstPort = 20000
	portCount = 12000
)

// FreePort gives a TCP port of 127.0.0.1 on which nothing listens, and which no other call gives until the test ends,
// be it in this process or in another one. The server that it is for listens later, so the port is held meanwhile by a
// UDP socket on the same number: packages are tested side by side, and two draws of one number must not both win.
func FreePort(tb testing.TB) int {
	tb.Helper()
	for range 100 {
		port := firstPort + rand.IntN(portCount)
		held, err := net.ListenPacket("udp", localAddr(port))
		if err != nil {
			continue
		}
		if l, err := net.Listen("tcp", localAddr(port)); err != nil {
			held.Close()
			continue
		} else if err := l.Close(); err != nil {
			tb.Fatalf("give back port %d: %v", port, err)
		}
		tb.Cleanup(func() { held.Close() })
		return port
	}
	tb.Fatalf("no free port in 100 draws from %d to %d", firstPort, firstPort+portCount-1)
	return 0
}

func localAddr(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
