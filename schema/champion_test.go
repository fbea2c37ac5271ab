package schema

import (
	"strconv"
	"testing"
)

func TestFollowKeepsTheNewestChanges(t *testing.T) {
	var c Champion
	for i := range MaxHistory + 10 {
		c = c.Follow(Change{Version: "v" + strconv.Itoa(i)})
	}
	last := MaxHistory + 9
	if c.Version != "v"+strconv.Itoa(last) || c.Previous != "v"+strconv.Itoa(last-1) || len(c.History) != MaxHistory {
		t.Errorf("serves %s after %s, with %d changes", c.Version, c.Previous, len(c.History))
	}
	for i, change := range c.History {
		if want := "v" + strconv.Itoa(last-i); change.Version != want {
			t.Fatalf("change %d is to %s, want %s", i, change.Version, want)
		}
	}
}
