//go:build servers

package servers

import "testing"

// With 1,000 draws from 12,000 ports a number comes twice almost surely, unless the ports given out are held.
func TestFreePortGivesEachPortOnce(t *testing.T) {
	given := make(map[int]bool)
	for range 1000 {
		port := FreePort(t)
		if given[port] {
			t.Fatalf("port %d was given twice", port)
		}
		given[port] = true
	}
}
