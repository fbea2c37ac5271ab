package rows

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"complaints/internal/kafka"
	"complaints/schema"
)

// silver has the complaints of the classified topic with their texts: typed,
// tidied, and without personal data. It is sorted as gold is.
func silver(reg prometheus.Registerer) Format {
	masked := promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Namespace: "complaints", Subsystem: "lake", Name: "masked_total", Help: "Personal data that was masked.",
		ConstLabels: prometheus.Labels{"layer": string(schema.Silver)},
	}, []string{"kind"})
	for kind := range (Masked{}).ByKind {
		masked.WithLabelValues(kind)
	}
	return table[schema.SilverRow, reportKey]{
		begin: func() maker[schema.SilverRow] {
			var texts columns
			var count Masked
			return maker[schema.SilverRow]{
				row: func(c *schema.Claim, r *kafka.Record) schema.SilverRow {
					row, n := silverRow(&texts, c, r)
					count = count.Plus(n)
					return row
				},
				stored: func() {
					for kind, n := range count.ByKind {
						masked.WithLabelValues(kind).Add(float64(n))
					}
				},
			}
		},
		key:    func(r *schema.SilverRow) reportKey { return reportKey{r.Category, r.State, r.KafkaOffset} },
		offset: reportOffset, compare: compareReport, columns: reportColumns,
		empty: eraseSilver, byID: true,
	}
}

// silverRow maps a record of the classified topic to its row, whose narrative may
// share the memory of the value, and counts what was masked in it.
func silverRow(texts *columns, claim *schema.Claim, r *kafka.Record) (schema.SilverRow, Masked) {
	row := schema.SilverRow{KafkaPartition: claim.Partition, KafkaOffset: r.Offset, KafkaTimestamp: r.Timestamp}
	c, err := schema.DecodeClassified(r.Value)
	if err != nil {
		row.RecordError = new(err.Error())
		return row, Masked{}
	}
	masked := setSilver(&row, &c.Complaint, texts)
	row.Extra = maskExtra(c.Extra, &masked)
	row.Notes, row.SourceKey = texts.tidy(c.Notes), maskText(c.SourceKey, &masked)
	row.MaskedEmail, row.MaskedPhone, row.MaskedSSN = int32(masked.Email), int32(masked.Phone), int32(masked.SSN)
	row.MaskedCard, row.MaskedAccount = int32(masked.Card), int32(masked.Account)
	row.TrueCategory = texts.trueCategory(&c)
	row.Category, row.CategoryCode, row.Probability = texts.name(c.Category), int32(c.CategoryCode), c.Probability
	row.NeedsReview, row.Taxonomy, row.ModelVersion = c.NeedsReview, texts.tidy(c.Taxonomy), texts.name(c.ModelVersion)
	row.SourceTopicID, row.SourcePartition, row.SourceOffset, row.SourceTimestamp = texts.name(c.TopicID), c.Partition, c.Offset, int64(c.Timestamp)
	return row, masked
}

// setSilver tidies all texts of a complaint and masks personal data in them,
// and returns what it has masked. What is no text of a person (ids, dates, ZIP
// code, state) is only tidied.
func setSilver(r *schema.SilverRow, c *schema.Complaint, k *columns) Masked {
	narrative, masked := MaskPersonal(Tidy(c.Narrative))
	r.ComplaintID = strings.Clone(c.ComplaintID)
	r.DateReceived = k.date(c.DateReceived)
	r.Product = k.clean(c.Product, &masked)
	r.SubProduct = k.clean(c.SubProduct, &masked)
	r.Issue = k.clean(c.Issue, &masked)
	r.SubIssue = k.clean(c.SubIssue, &masked)
	r.Narrative = narrative
	r.CompanyPublicResponse = k.clean(c.CompanyPublicResponse, &masked)
	r.Company = k.clean(c.Company, &masked)
	r.State = k.tidy(c.State)
	r.ZipCode = k.tidy(c.ZipCode)
	r.Tags = k.clean(c.Tags, &masked)
	r.ConsumerConsentProvided = k.clean(c.ConsumerConsentProvided, &masked)
	r.SubmittedVia = k.clean(c.SubmittedVia, &masked)
	r.DateSentToCompany = k.date(c.DateSentToCompany)
	r.CompanyResponse = k.clean(c.CompanyResponse, &masked)
	r.Timely = schema.YesNo(c.Timely)
	r.ConsumerDisputed = schema.YesNo(c.ConsumerDisputed)
	r.TextHash = textHash(r.Narrative)
	r.NearCopyKey = schema.NearCopyKey(r.Narrative)
	return masked
}

// textHash is equal in equal texts only.
func textHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}
