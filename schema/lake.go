package schema

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Layer is a part of the lake that is made of one topic, one row a record.
type Layer string

// The layers. Bronze holds the complaints topic, silver and gold the classified,
// labels the labels.
const (
	Bronze Layer = "bronze"
	Silver Layer = "silver"
	Gold   Layer = "gold"
	Labels Layer = "labels"
)

// Daily is the layer of the large objects that compaction makes of a layer's
// closed days.
func (l Layer) Daily() Layer { return l + "_daily" }

// Dataset is the name of the data set below each layer and below models/.
const Dataset = "complaints"

// Day is a day in UTC, as YYYY-MM-DD.
type Day string

// The first and the last moment whose day has a name, in milliseconds since 1970.
var (
	firstMoment = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	lastMoment  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)

// DayOf returns the day of a moment in milliseconds since 1970. A record can
// carry any moment; one out of the years 1 to 9999 counts to the nearest day
// that has a name.
func DayOf(unixMilli int64) Day {
	unixMilli = min(max(unixMilli, firstMoment), lastMoment)
	return Day(time.UnixMilli(unixMilli).UTC().Format(time.DateOnly))
}

// Claim says that a writer covers a run of offsets of one partition for one layer.
// It is written once, before the objects that it names, and never changed or removed.
// The claims of a partition make a chain: the first starts at 0, every other at
// its predecessor's Next.
type Claim struct {
	Layer     Layer         `json:"layer"`
	Topic     string        `json:"topic"`
	TopicID   string        `json:"topic_id"` // 32 hex digits
	Partition int32         `json:"partition"`
	Start     int64         `json:"start"`
	Next      int64         `json:"next"`           // the first offset not covered
	Rows      map[Day]int64 `json:"rows"`           // rows of each day's object
	Lost      bool          `json:"lost,omitempty"` // the log no longer had these offsets
}

// Key is the object name of the claim.
func (c *Claim) Key() string {
	return ClaimPrefix(c.Layer, c.TopicID, c.Partition) + fmt.Sprintf("%020d.json", c.Start)
}

// ObjectKey is the name of the Parquet object that holds the claim's rows of a day.
func (c *Claim) ObjectKey(day Day) string {
	return fmt.Sprintf("%s/%s/dt=%s/part-%05d-%020d-%s.parquet", c.Layer, Dataset, day, c.Partition, c.Start, c.TopicID)
}

// ClaimPrefix is the folder of a partition's chain, with a slash at its end.
func ClaimPrefix(layer Layer, topicID string, partition int32) string {
	return fmt.Sprintf("chain/%s/%s/%d/", layer, topicID, partition)
}

// ParseClaim reads a claim that was stored under key, and checks that both agree.
func ParseClaim(key string, body []byte) (*Claim, error) {
	var c Claim
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, fmt.Errorf("claim %s: %w", key, err)
	}
	if c.Key() != key {
		return nil, fmt.Errorf("claim %s: its content belongs to %s", key, c.Key())
	}
	if c.Next <= c.Start {
		return nil, fmt.Errorf("claim %s: next is %d, want more than start %d", key, c.Next, c.Start)
	}
	for day, n := range c.Rows {
		if _, err := time.Parse(time.DateOnly, string(day)); err != nil || n <= 0 {
			return nil, fmt.Errorf("claim %s: %d rows on day %q", key, n, day)
		}
	}
	return &c, nil
}

// ObjectName is what the name of a Parquet object says.
type ObjectName struct {
	Layer     Layer
	Day       Day
	Partition int32
	Start     int64 // of its claim
	TopicID   string
}

// ParseObjectKey reads the name of a Parquet object of the lake.
func ParseObjectKey(key string) (ObjectName, error) {
	bad := func(what string) (ObjectName, error) {
		return ObjectName{}, fmt.Errorf("object %q: %s is not as in layer/%s/dt=YYYY-MM-DD/part-PPPPP-START-TOPICID.parquet", key, what, Dataset)
	}
	dirs := strings.Split(key, "/")
	if len(dirs) != 4 || dirs[1] != Dataset {
		return bad("the folder")
	}
	day, ok := strings.CutPrefix(dirs[2], "dt=")
	if _, err := time.Parse(time.DateOnly, day); !ok || err != nil {
		return bad("the day")
	}
	name, ok := strings.CutSuffix(dirs[3], ".parquet")
	parts := strings.Split(name, "-")
	if !ok || len(parts) != 4 || parts[0] != "part" || len(parts[3]) != 32 {
		return bad("the file name")
	}
	partition, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil || partition < 0 {
		return bad("the partition")
	}
	start, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || start < 0 || len(parts[2]) != 20 {
		return bad("the offset")
	}
	o := ObjectName{Layer: Layer(dirs[0]), Day: Day(day), Partition: int32(partition), Start: start, TopicID: parts[3]}
	c := Claim{Layer: o.Layer, TopicID: o.TopicID, Partition: o.Partition, Start: o.Start}
	if c.ObjectKey(o.Day) != key {
		return bad("the file name")
	}
	return o, nil
}

// ModelPrefix is the folder of a model's bundle, with a slash at its end.
func ModelPrefix(version string) string { return "models/" + Dataset + "/" + version + "/" }

// RunPrefix is the folder of the evidence of a training that made a version and
// started at a moment, with a slash at its end.
func RunPrefix(version string, start time.Time) string {
	return RunsPrefix(version) + start.UTC().Format(runLayout) + "/"
}

const runLayout = "20060102T150405.000Z"

// RunsPrefix is the folder of all trainings that made a version, with a slash at its end.
func RunsPrefix(version string) string { return "runs/" + Dataset + "/" + version + "/" }

// ParseRunKey splits the key of an object of a training that made a version.
func ParseRunKey(version, key string) (start time.Time, name string, err error) {
	folder, name, ok := strings.Cut(strings.TrimPrefix(key, RunsPrefix(version)), "/")
	start, err = time.Parse(runLayout, folder)
	if !ok || err != nil || RunPrefix(version, start)+name != key {
		return start, name, fmt.Errorf("object %q is not of a training that made %s: want %sYYYYMMDDThhmmss.mmmZ/NAME", key, version, RunsPrefix(version))
	}
	return start, name, nil
}

// ChampionKey is the object that says which version serves.
const ChampionKey = "models/" + Dataset + "/champion.json"

// ChallengerKey is the object that says which version is scored in the shadow of
// the champion. Its content is a Champion, too, and without a version none is.
const ChallengerKey = "models/" + Dataset + "/challenger.json"

// Champion is the content of ChampionKey. It is replaced by compare-and-swap
// only, so its history has every change, in order.
type Champion struct {
	Version  string   `json:"version"`
	Previous string   `json:"previous,omitempty"` // what served before
	History  []Change `json:"history,omitempty"`  // the newest first, at most MaxHistory
}

// Change is a moment at which another version began to serve, and why.
type Change struct {
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	Why     string    `json:"why"`
}

// MaxHistory is how many changes a Champion remembers: two years of a promotion
// each week.
const MaxHistory = 104

// Follow is the champion after a change to another version.
func (c Champion) Follow(change Change) Champion {
	history := append([]Change{change}, c.History...)
	return Champion{Version: change.Version, Previous: c.Version, History: history[:min(len(history), MaxHistory)]}
}
