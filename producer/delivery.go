package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// slots of the delivery's time limit: a message that is late is found within one of them.
const slots = 8

// deliveries says whether a message has waited too long for its acknowledgement.
// kgo's own limit does not do: it never gives up a message that it has sent once,
// since it may be written, and waits for the broker's answer instead.
type deliveries struct {
	now     atomic.Int64
	waiting [slots + 1]atomic.Int64 // messages by the slot in which they were sent
}

// sent counts a message; the caller counts it off by the slot that it returns.
func (d *deliveries) sent() (slot int64) {
	slot = d.now.Load() % int64(len(d.waiting))
	d.waiting[slot].Add(1)
	return slot
}

func (d *deliveries) acknowledged(slot int64) { d.waiting[slot].Add(-1) }

// turn goes to the next slot, and says whether a message waits since it was last used.
func (d *deliveries) turn() (late bool) {
	next := d.now.Load() + 1
	late = d.waiting[next%int64(len(d.waiting))].Load() > 0
	d.now.Store(next)
	return late
}

var errLate = errors.New("a message was not acknowledged in time")

// watch ends the run when a message is late.
func (p *publisher) watch(ctx context.Context, limit time.Duration) {
	tick := time.NewTicker(max(limit/slots, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if p.deliveries.turn() {
				p.fail(fmt.Errorf("%w: --delivery-timeout is %s; is the broker reachable, and can it write?", errLate, limit))
				p.giveUp()
				return
			}
		}
	}
}
