package schema_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"complaints/schema"
)

const topicID = "0123456789abcdef0123456789abcdef"

func TestKeys(t *testing.T) {
	l := schema.Claim{Layer: schema.Gold, TopicID: topicID, Partition: 7, Start: 42}
	if got, want := l.Key(), "chain/gold/"+topicID+"/7/00000000000000000042.json"; got != want {
		t.Errorf("claim key %s, want %s", got, want)
	}
	if got, want := l.ObjectKey("2026-11-24"), "gold/complaints/dt=2026-11-24/part-00007-00000000000000000042-"+topicID+".parquet"; got != want {
		t.Errorf("object key %s, want %s", got, want)
	}
	if day := schema.DayOf(1764028799999); day != "2025-11-24" {
		t.Errorf("the last millisecond of a day is on %s", day)
	}
}

// A record may carry any timestamp, as that of a producer that writes microseconds.
func TestTimestampsOfAnyYear(t *testing.T) {
	for millis, want := range map[int64]string{
		math.MinInt64: "0001-01-01", -62135596800001: "0001-01-01", -62135596800000: "0001-01-01",
		0: "1970-01-01", 253402300799999: "9999-12-31", 253402300800000: "9999-12-31", 1764028799999999: "9999-12-31", math.MaxInt64: "9999-12-31",
	} {
		if day := schema.DayOf(millis); day != schema.Day(want) {
			t.Errorf("%d is on the day %s, want %s", millis, day, want)
		}
		key := (&schema.Claim{Layer: schema.Gold, TopicID: topicID}).ObjectKey(schema.DayOf(millis))
		if o, err := schema.ParseObjectKey(key); err != nil || o.Day != schema.Day(want) {
			t.Errorf("%s: %v", key, err)
		}
		c := classified()
		c.Timestamp = schema.TimeOfMillis(millis)
		back, err := schema.DecodeClassified(c.AppendJSON(nil))
		if err != nil || back.Timestamp != c.Timestamp || !strings.HasPrefix(back.Timestamp.Time().String(), want) {
			t.Errorf("%d is written as %s, %v", millis, back.Timestamp.Time(), err)
		}
	}
}

func TestParseClaim(t *testing.T) {
	l := schema.Claim{Layer: schema.Gold, Topic: "t", TopicID: topicID, Partition: 7, Start: 42, Next: 50, Rows: map[schema.Day]int64{"2026-11-24": 8}}
	body, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	got, err := schema.ParseClaim(l.Key(), body)
	if err != nil || got.Next != 50 || got.Rows["2026-11-24"] != 8 {
		t.Errorf("got %+v, %v", got, err)
	}
	for what, change := range map[string]func(*schema.Claim){
		"covers nothing": func(l *schema.Claim) { l.Next = l.Start },
		"other key":      func(l *schema.Claim) { l.Start = 41 },
		"no day":         func(l *schema.Claim) { l.Rows = map[schema.Day]int64{"yesterday": 1} },
		"no rows":        func(l *schema.Claim) { l.Rows = map[schema.Day]int64{"2026-11-24": 0} },
	} {
		bad := l
		change(&bad)
		body, _ := json.Marshal(bad)
		if _, err := schema.ParseClaim(l.Key(), body); err == nil || !strings.Contains(err.Error(), l.Key()) {
			t.Errorf("%s: err = %v, want one that names the key", what, err)
		}
	}
	if _, err := schema.ParseClaim(l.Key(), body[:10]); err == nil {
		t.Error("a truncated claim is taken")
	}
}

func FuzzParseObjectKey(f *testing.F) {
	l := schema.Claim{Layer: schema.Silver, TopicID: topicID, Partition: 7, Start: 42}
	f.Add(l.ObjectKey("2026-11-24"))
	f.Add("gold/complaints/dt=2026-02-30/part-00007-00000000000000000042-" + topicID + ".parquet")
	f.Add("gold/complaints/dt=2026-02-20/part-00007-42-" + topicID + ".parquet")
	f.Add("")
	f.Fuzz(func(t *testing.T, key string) {
		o, err := schema.ParseObjectKey(key)
		if err != nil {
			return
		}
		l := schema.Claim{Layer: o.Layer, TopicID: o.TopicID, Partition: o.Partition, Start: o.Start}
		if back := l.ObjectKey(o.Day); back != key {
			t.Errorf("%q is read as %+v, which is %q", key, o, back)
		}
	})
}

func TestParseObjectKey(t *testing.T) {
	l := schema.Claim{Layer: schema.Silver, TopicID: topicID, Partition: 7, Start: 42}
	o, err := schema.ParseObjectKey(l.ObjectKey("2026-11-24"))
	if want := (schema.ObjectName{Layer: schema.Silver, Day: "2026-11-24", Partition: 7, Start: 42, TopicID: topicID}); err != nil || o != want {
		t.Errorf("got %+v, %v, want %+v", o, err, want)
	}
}
