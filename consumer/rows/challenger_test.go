package rows

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"complaints/internal/classifier"
	"complaints/internal/classifier/classifiertest"
	"complaints/internal/kafka"
	"complaints/schema"
	"complaints/schema/schematest"
)

// narratives are texts of several categories, one of them with what silver masks.
var narratives = []string{
	"A debt collector calls me about a debt that is not mine.",
	"My credit report  shows an account that I never opened. Write to jane@example.com or 202-555-0143.",
	"The mortgage servicer lost my payment and threatens to foreclose.",
	"The bank closed my checking account and keeps my money.",
}

// companies are one that the built-in model knows, and none.
var companies = []string{"Experian Information Solutions Inc.", ""}

// results are classified complaints of a round, by id, each with the category of
// its number.
func results(round, n int, version string) map[string]schema.Classified {
	all := map[string]schema.Classified{}
	for i := range n {
		id := fmt.Sprint(round, "-", i)
		all[id] = schematest.Classified(schema.Classified{
			Complaint:    schema.Complaint{ComplaintID: id, Narrative: narratives[i%len(narratives)], Company: companies[i%len(companies)]},
			ModelVersion: version,
			Source:       schema.Source{Topic: "complaints", TopicID: topicID, Offset: int64(i)},
		}, i%schema.Bureau().Len(), 0.9)
	}
	return all
}

// Gold has what the challenger says of each narrative, and each object is of the
// challenger that there was. Without one, and for what is no complaint or was
// classified by the challenger itself, there is NULL.
func TestGoldHasTheChallengersAnswer(t *testing.T) {
	holder := new(classifier.Holder)
	registry := prometheus.NewRegistry()
	format := formatOf(t, schema.Gold, Config{Challenger: holder, Registerer: registry})
	var rows []schema.GoldRow
	one, two := classifiertest.Model(t, "one", nil), classifiertest.Model(t, "two", nil)
	want, challengers := map[string]schema.Classified{}, []*classifier.Classifier{nil, one, two, nil}
	for round, c := range challengers {
		var records []kafka.Record
		publish := func(value []byte) {
			records = append(records, kafka.Record{Offset: int64(len(records)), Value: value})
		}
		holder.Swap(c)
		version := "champion"
		if round == 2 { // the other has become the champion
			version = one.Version()
		}
		for id, result := range results(round, 40, version) {
			want[id] = result
			publish(result.AppendJSON(nil))
		}
		if round == 1 { // the challenger's own results, and no result at all
			for id, result := range results(9, 5, one.Version()) {
				want[id] = result
				publish(result.AppendJSON(nil))
			}
			publish([]byte("no classified complaint"))
		}
		rows = append(rows, rowsOf[schema.GoldRow](t, format, schema.Gold, records)...)
	}
	scratch := one.NewScratch()
	same, different, foreign := 0, 0, 0
	for _, row := range rows {
		var c *classifier.Classifier
		if row.RecordError != nil {
			foreign++
		} else if round := row.ComplaintID[0] - '0'; round < 9 {
			c = challengers[round]
		}
		result := want[row.ComplaintID]
		delete(want, row.ComplaintID)
		if c == nil {
			if row.ChallengerVersion != nil || row.ChallengerCategory != nil || row.ChallengerProbability != nil {
				t.Errorf("row %+v has a challenger's answer", row)
			}
			continue
		}
		p := c.PredictWith([]byte(result.Narrative), classifier.FieldsOf(&result.Complaint), scratch)
		if row.ChallengerVersion == nil || *row.ChallengerVersion != c.Version() || *row.ChallengerCategory != schema.Bureau().CategoryName(p.Category) || *row.ChallengerProbability != p.Probability {
			t.Errorf("row %+v, want %s with %+v", row, c.Version(), p)
		}
		if schema.Bureau().CategoryName(p.Category) == row.Category {
			same++
		} else {
			different++
		}
	}
	if len(want) > 0 || foreign != 1 || same == 0 || different == 0 {
		t.Errorf("%d results have no row, %d rows are of none; %d the same and %d different", len(want), foreign, same, different)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "complaints_challenger_rows_total" {
				counted[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	if counted["same"] != float64(same) || counted["different"] != float64(different) || len(counted) != 2 {
		t.Errorf("counted are %v, want %d the same and %d different", counted, same, different)
	}
}

// Challengers change all the time while an object is made, and yet it is of one.
func TestAnObjectHasOneChallenger(t *testing.T) {
	holder := new(classifier.Holder)
	format := formatOf(t, schema.Gold, Config{Challenger: holder})
	models := []*classifier.Classifier{classifiertest.Model(t, "one", nil), classifiertest.Model(t, "two", nil)}
	holder.Swap(models[0])
	const n = 2000
	var records []kafka.Record
	for _, result := range results(0, n, "champion") {
		records = append(records, kafka.Record{Offset: int64(len(records)), Value: result.AppendJSON(nil)})
	}
	done := make(chan struct{})
	var swapper sync.WaitGroup
	swapper.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-time.After(100 * time.Microsecond): // many times an object
				holder.Swap(models[i%len(models)])
			}
		}
	})
	seen := map[string]int{}
	for range 8 {
		versions := map[string]int{}
		for _, row := range rowsOf[schema.GoldRow](t, format, schema.Gold, records) {
			versions[*row.ChallengerVersion]++
		}
		if len(versions) != 1 {
			t.Errorf("an object has answers of %v", versions)
		}
		for v := range versions {
			seen[v]++
		}
	}
	close(done)
	swapper.Wait()
	t.Logf("objects by challenger: %v", seen)
}
