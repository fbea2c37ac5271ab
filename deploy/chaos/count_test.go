//go:build servers && failpoint

package chaos

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/schema"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// place is where each message should stand once.
type place struct {
	name  string
	only  func(message) bool // nil: all
	times []int32            // by message
	wrong []string           // what is there and was not published so
}

const shownWrong = 5

func newPlace(name string, messages int64, only func(message) bool) *place {
	return &place{name: name, only: only, times: make([]int32, messages)}
}

// found notes a message by its number; same says whether its content is right.
func (p *place) found(number string, same bool, where string) {
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n >= len(p.times) {
		p.wrong = append(p.wrong, fmt.Sprintf("%s: %q was not published", where, number))
		return
	}
	if !same {
		p.wrong = append(p.wrong, fmt.Sprintf("%s: message %d has another content", where, n))
	}
	p.times[n]++
}

func (p *place) sum() (lost, repeated int64, err error) {
	for n, times := range p.times {
		switch {
		case p.only != nil && !p.only(messageOf(n)):
			if times > 0 {
				p.wrong = append(p.wrong, fmt.Sprintf("message %d stands there %d times", n, times))
			}
		case times == 0:
			lost++
		default:
			repeated += int64(times) - 1
		}
	}
	if len(p.wrong) > 0 {
		err = fmt.Errorf("%s: %d are wrong: %s", p.name, len(p.wrong), strings.Join(p.wrong[:min(shownWrong, len(p.wrong))], "; "))
	}
	if lost > 0 || repeated > 0 {
		err = errors.Join(err, fmt.Errorf("%s: %d lost, %d repeated", p.name, lost, repeated))
	}
	return lost, repeated, err
}

// count says how often messages are missing and how often they are there again,
// summed over the places, and what is wrong beside that.
func (s *rowEnv) count(messages int64) (lost, repeated int64, err error) {
	valid := func(m message) bool { return m.id != "" }
	broken := func(m message) bool { return m.id == "" }
	classified, dead := newPlace("classified", messages, valid), newPlace("dead letters", messages, broken)
	bronze, silver, gold := newPlace("bronze", messages, nil), newPlace("silver", messages, valid), newPlace("gold", messages, valid)
	err = errors.Join(
		s.eachRecord(s.topics.Classified, func(r *kgo.Record, where string) {
			c, err := schema.DecodeClassified(r.Value)
			number := strings.TrimPrefix(c.ComplaintID, "c")
			classified.found(number, err == nil && c.Narrative == textOf(number), where)
		}),
		s.eachRecord(s.topics.DeadLetter, func(r *kgo.Record, where string) {
			dead.found(string(r.Key), string(r.Value) == valueOf(string(r.Key)), where)
		}),
		eachRow(s.root, schema.Bronze, func(r *schema.BronzeRow, where string) {
			bronze.found(text(r.Key), text(r.Value) == valueOf(text(r.Key)), where)
		}),
		eachRow(s.root, schema.Silver, func(r *schema.SilverRow, where string) {
			number := strings.TrimPrefix(r.ComplaintID, "c")
			silver.found(number, r.RecordError == nil && r.Narrative == textOf(number), where)
		}),
		eachRow(s.root, schema.Gold, func(r *schema.GoldRow, where string) {
			gold.found(strings.TrimPrefix(r.ComplaintID, "c"), r.RecordError == nil && r.State != nil && *r.State == "CA", where)
		}),
	)
	for _, p := range []*place{classified, dead, bronze, silver, gold} {
		l, r, wrong := p.sum()
		lost, repeated, err = lost+l, repeated+r, errors.Join(err, wrong)
	}
	return lost, repeated, err
}

func text(b *[]byte) string {
	if b == nil {
		return ""
	}
	return string(*b)
}

func valueOf(number string) string {
	n, err := strconv.Atoi(number)
	if err != nil {
		return ""
	}
	return messageOf(n).value
}

func textOf(number string) string {
	n, err := strconv.Atoi(number)
	if err != nil {
		return ""
	}
	return messageOf(n).text
}

// eachRecord reads a topic to its end, as a reader of committed records.
func (s *rowEnv) eachRecord(topic string, each func(r *kgo.Record, where string)) error {
	var ends kadm.ListedOffsets
	if err := s.until(time.Minute, "the ends of "+topic, func() (bool, error) {
		var err error
		// A partition that has no leader just now is an error, and not an empty one.
		ends, err = kafka.Offsets(s.shared.admin.ListEndOffsets(s.ctx, topic))
		return err == nil, err
	}); err != nil {
		return err
	}
	from, open := map[int32]kgo.Offset{}, map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			from[o.Partition], open[o.Partition] = kgo.NewOffset().AtStart(), o.Offset
		}
	})
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.shared.kafka.Internal...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // a partition ends with a transaction's marker
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
	if err != nil {
		return err
	}
	defer cl.Close()
	for len(open) > 0 {
		fetches := cl.PollFetches(s.ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				each(r, fmt.Sprintf("%s/%d@%d", topic, r.Partition, r.Offset))
			}
			if end, ok := open[r.Partition]; ok && r.Offset+1 >= end {
				delete(open, r.Partition)
			}
		})
	}
	return nil
}

// eachRow reads the rows of a layer from the files, past the store that wrote them.
func eachRow[Row any](root string, layer schema.Layer, each func(r *Row, where string)) error {
	return filepath.WalkDir(filepath.Join(root, string(layer)), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".parquet") {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		parquet, err := lake.OpenParquet(file, info.Size())
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return lake.EachRow(parquet, func(r *Row) error {
			each(r, d.Name())
			return nil
		})
	})
}
