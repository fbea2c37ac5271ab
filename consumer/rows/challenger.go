package rows

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"complaints/internal/classifier"
	"complaints/schema"
)

// challenger is a model that is asked for all rows of one object of gold, so that no
// object is half of two. A nil challenger says nothing.
type challenger struct {
	model   *classifier.Classifier
	scratch *classifier.Scratch
	version string
	names   []string // of the categories, by code; the rows share them
	text    []byte   // of the row in hand

	same, different int // rows by whether the category is the champion's
}

// challengerOf returns the holder's present model, nil if there is none.
func challengerOf(h *classifier.Holder) *challenger {
	if h == nil {
		return nil
	}
	model := h.Current()
	if model == nil {
		return nil
	}
	return &challenger{model: model, scratch: model.NewScratch(), version: model.Version(), names: model.Taxonomy().Names()}
}

// score fills in the challenger's columns of a row that has a text. One that this
// very model classified keeps them empty.
func (c *challenger) score(row *schema.GoldRow, complaint *schema.Complaint) {
	if c == nil || row.ModelVersion == c.version {
		return
	}
	c.text = append(c.text[:0], complaint.Narrative...)
	p := c.model.PredictWith(c.text, classifier.FieldsOf(complaint), c.scratch)
	category := &c.names[p.Category]
	row.ChallengerVersion, row.ChallengerCategory, row.ChallengerProbability = &c.version, category, new(p.Probability)
	if row.Category == *category {
		c.same++
	} else {
		c.different++
	}
}

// agreement counts the rows in the lake for which a challenger was asked.
type agreement struct{ same, different prometheus.Counter }

func newAgreement(reg prometheus.Registerer) agreement {
	rows := promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Namespace: "complaints", Subsystem: "challenger", Name: "rows_total",
		Help: "Rows of gold put with a challenger's answer, by whether its category is the champion's.",
	}, []string{"agreement"})
	return agreement{rows.WithLabelValues("same"), rows.WithLabelValues("different")}
}

func (a agreement) add(c *challenger) {
	if c != nil {
		a.same.Add(float64(c.same))
		a.different.Add(float64(c.different))
	}
}
