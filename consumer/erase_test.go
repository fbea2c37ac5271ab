package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestEraseACommandAtATime(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	publish(t, dir, 20)
	consume(t, addr, dir)
	command := func(args ...string) string {
		var out bytes.Buffer
		if err := run(t.Context(), append([]string{"erase", "--data", dir}, args...), &out, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if out := command("--complaint-id", "7", "--dry-run"); !strings.Contains(out, "3 with the complaint, 3 rows to erase") {
		t.Error(out)
	}
	if out := command("--complaint-id", "7"); !strings.Contains(out, "3 with the complaint, 3 rows erased") || !strings.Contains(out, "Kafka's topics still") {
		t.Error(out)
	}
	if out := command("--complaint-id", "7", "--json"); !strings.Contains(out, `"rows":0,"objects":[]`) {
		t.Error(out)
	}
	if s := summaryOf(t, dir); s.Rows != 20 || s.Foreign != 1 {
		t.Errorf("%+v, want 20 rows, one of them without its complaint", s)
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"erase", "--data", dir, "--complaint-id", ""}, &out, &out); err == nil {
		t.Error("an empty id was taken")
	}
}
