package main

import (
	"context"
	"testing"
	"time"
)

func TestTheShortestIdleTime(t *testing.T) {
	ended := make(chan struct{})
	a := &app{cfg: &runConfig{IdleFor: time.Nanosecond}, log: newLogger("error", t.Output())}
	if err := a.waitIdle(context.Background(), func() { close(ended) }); err != nil {
		t.Fatal(err)
	}
	<-ended
}
