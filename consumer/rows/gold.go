package rows

import (
	"cmp"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"complaints/internal/classifier"
	"complaints/internal/kafka"
	"complaints/internal/lake"
	"complaints/schema"
)

// gold has the complaints of the classified topic for reports, with what the
// holder's classifier, the challenger, says of each. An object is sorted by
// category and state, the columns that most queries filter by.
func gold(holder *classifier.Holder, extra []string, reg prometheus.Registerer) Format {
	agreement := newAgreement(reg)
	return table[schema.GoldRow, reportKey]{
		begin: func() maker[schema.GoldRow] {
			texts := columns{extra: extra}
			challenger := challengerOf(holder)
			return maker[schema.GoldRow]{
				row: func(c *schema.Claim, r *kafka.Record) schema.GoldRow {
					return goldRow(&texts, challenger, c, r)
				},
				stored: func() { agreement.add(challenger) },
			}
		},
		key:    func(r *schema.GoldRow) reportKey { return reportKey{r.Category, r.State, r.KafkaOffset} },
		offset: reportOffset, compare: compareReport, columns: reportColumns,
		empty: eraseGold, byID: true, complete: fillProbabilities,
	}
}

// fillProbabilities reads the probabilities of an object from before gold had them
// in a map: one column a category of the default taxonomy, probability_loans and so on.
func fillProbabilities(f *lake.ParquetFile, rows []schema.GoldRow) error {
	if f.HasColumn(mapOfProbabilities) {
		return nil
	}
	t := schema.Bureau()
	columns := make([]string, t.Len())
	for code, name := range t.Names() {
		columns[code] = "probability_" + strings.ReplaceAll(strings.ToLower(name), " ", "_")
	}
	i := 0
	return f.Floats(columns, func(p []float64) {
		if rows[i].RecordError == nil {
			rows[i].Probabilities.Entries = t.AppendProbabilities(nil, p)
		}
		i++
	})
}

// GoldRowsAt returns the rows of gold of some numbers, as [lake.RowsAt] does, with
// the probabilities of those too that were written before gold had them in a map.
func GoldRowsAt(f *lake.ParquetFile, numbers []int64) ([]schema.GoldRow, error) {
	found, err := lake.RowsAt[schema.GoldRow](f, numbers)
	if err != nil || len(found) == 0 || f.HasColumn(mapOfProbabilities) {
		return found, err
	}
	all := make([]schema.GoldRow, f.Rows())
	err = fillProbabilities(f, all)
	for i, n := range numbers {
		if found[i].RecordError == nil {
			found[i].Probabilities = all[n].Probabilities
		}
	}
	return found, err
}

// mapOfProbabilities is the column that objects lack that are older than the map.
const mapOfProbabilities = "probabilities.key_value.key"

// reportKey is what gold and silver are sorted by.
type reportKey struct {
	Category    string
	State       *string
	KafkaOffset int64
}

// reportColumns are the columns of a key, in its order.
var reportColumns = []string{"category", "state", "kafka_offset"}

func reportOffset(k *reportKey) int64 { return k.KafkaOffset }

func compareReport(a, b *reportKey) int {
	return cmp.Or(cmp.Compare(a.Category, b.Category), compareText(a.State, b.State), cmp.Compare(a.KafkaOffset, b.KafkaOffset))
}

// goldRow maps a record of the classified topic to its row, which keeps nothing of
// the value. Without a challenger (nil) the narrative is not decoded.
func goldRow(texts *columns, challenger *challenger, claim *schema.Claim, r *kafka.Record) schema.GoldRow {
	row := schema.GoldRow{KafkaPartition: claim.Partition, KafkaOffset: r.Offset, KafkaTimestamp: r.Timestamp}
	decode := schema.DecodeClassifiedWithoutText
	if challenger != nil {
		decode = schema.DecodeClassified
	}
	c, err := decode(r.Value)
	if err != nil {
		row.RecordError = new(err.Error())
		return row
	}
	setGold(&row, &c.Complaint, texts)
	setResult(&row, &c, texts)
	row.Extra = texts.extraColumn(c.Extra)
	challenger.score(&row, &c.Complaint)
	return row
}

func setGold(r *schema.GoldRow, c *schema.Complaint, k *columns) {
	var masked Masked // silver counts it
	r.ComplaintID = strings.Clone(c.ComplaintID)
	r.DateReceived = k.date(c.DateReceived)
	r.Product = k.clean(c.Product, &masked)
	r.SubProduct = k.clean(c.SubProduct, &masked)
	r.Issue = k.clean(c.Issue, &masked)
	r.SubIssue = k.clean(c.SubIssue, &masked)
	r.Company = k.clean(c.Company, &masked)
	r.State = k.tidy(c.State)
	r.ZipCode = k.tidy(c.ZipCode)
	r.Tags = k.clean(c.Tags, &masked)
	r.SubmittedVia = k.clean(c.SubmittedVia, &masked)
	r.CompanyResponse = k.clean(c.CompanyResponse, &masked)
	r.Timely = schema.YesNo(c.Timely)
	r.ConsumerDisputed = schema.YesNo(c.ConsumerDisputed)
}

func setResult(r *schema.GoldRow, c *schema.Classified, k *columns) {
	r.Category = k.name(c.Category)
	r.TrueCategory = k.trueCategory(c)
	r.CategoryCode = int32(c.CategoryCode)
	r.Probability = c.Probability
	r.Probabilities = k.probabilities(c.Probabilities)
	r.NeedsReview = c.NeedsReview
	r.Taxonomy = k.tidy(c.Taxonomy)
	r.ModelVersion = k.name(c.ModelVersion)
	r.ClassifiedAt = int64(c.ClassifiedAt)
	r.SourceTopic = k.name(c.Topic)
	r.SourceTopicID = k.name(c.TopicID)
	r.SourcePartition = c.Partition
	r.SourceOffset = c.Offset
	r.SourceTimestamp = int64(c.Timestamp)
}
