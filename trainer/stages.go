package main

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// stages measures how long each stage of a training takes, and what it needs.
type stages struct {
	list []stage
	now  func() time.Time
	at   time.Time // when the stage in hand began
}

type stage struct {
	Name      string  `json:"name"`
	Seconds   float64 `json:"seconds"`
	PeakBytes int64   `json:"peak_bytes"` // of the process's memory, until the end of the stage
}

func newStages() *stages { return &stages{now: time.Now} }

// begin ends the stage in hand and begins another one.
func (s *stages) begin(name string) {
	s.end()
	s.list = append(s.list, stage{Name: name})
	s.at = s.now()
}

func (s *stages) end() {
	if n := len(s.list); n > 0 {
		s.list[n-1].Seconds = s.now().Sub(s.at).Seconds()
		s.list[n-1].PeakBytes = peakMemory()
	}
}

// done ends the stage in hand and returns all.
func (s *stages) done() stageList {
	s.end()
	return s.list
}

type stageList []stage

func (l stageList) String() string {
	var b strings.Builder
	total := 0.0
	for _, s := range l {
		total += s.Seconds
		fmt.Fprintf(&b, "%s %.1f s, ", s.Name, s.Seconds)
	}
	peak := int64(0)
	if len(l) > 0 {
		peak = l[len(l)-1].PeakBytes
	}
	fmt.Fprintf(&b, "all %.1f s; at most %d MB of memory", total, peak>>20)
	return b.String()
}

// peakMemory is the most memory that this process has had, bytes.
func peakMemory() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return u.Maxrss
	}
	return u.Maxrss << 10 // Linux counts in KiB
}
