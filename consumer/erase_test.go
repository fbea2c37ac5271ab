package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEraseACommandAtATime(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	publish(t, dir, 20)
	consume(t, addr, dir)
	command := func(args ...string) string {
		var out bytes.Buffer
		if err := run(t.Context(), append([]string{"erase", "--lake-only", "--data", dir}, args...), &out, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if out := command("--complaint-id", "7", "--dry-run"); !strings.Contains(out, "3 with the complaints, 3 rows to erase") {
		t.Error(out)
	}
	if out := command("--complaint-id", "7"); !strings.Contains(out, "3 with the complaints, 3 rows erased") || !strings.Contains(out, "topic complaints.dead-letter: its messages; until: its retention") {
		t.Error(out)
	}
	if out := command("--complaint-id", "7", "--json"); !strings.Contains(out, `"rows":0,"objects":[]`) {
		t.Error(out)
	}
	list := filepath.Join(dir, "ids")
	if err := os.WriteFile(list, []byte("3\n\n 11 \r\n7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := command("--from", list); !strings.Contains(out, " 6 rows erased") {
		t.Error(out)
	}
	if s := summaryOf(t, dir); s.Rows != 20 || s.Foreign != 3 {
		t.Errorf("%+v, want 20 rows, three of them without their complaints", s)
	}
	if err := os.WriteFile(list, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"erase", "--lake-only", "--data", dir, "--from", list}, &out, &out); err == nil || !strings.Contains(err.Error(), "has no id") {
		t.Errorf("a list without ids: %v", err)
	}
	if err := run(t.Context(), []string{"erase", "--lake-only", "--data", dir, "--complaint-id", ""}, &out, &out); err == nil {
		t.Error("an empty id was taken")
	}
}
