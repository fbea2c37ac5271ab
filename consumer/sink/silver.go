package sink

import (
	"sync/atomic"

	"complaints/schema"
)

// Silver is the layer with the texts, of the classified topic: typed, tidied,
// and without personal data. It is sorted as gold is.
func Silver(topic string) Layer {
	masked := &maskedCount{}
	return Layer{Name: schema.Silver, Topic: topic, masked: masked, codec: parquetRows[schema.SilverRow, reportKey]{
		rows: func() func(*Record, *schema.Claim) schema.SilverRow {
			var columns schema.Columns
			return func(r *Record, l *schema.Claim) schema.SilverRow {
				row, n := columns.Silver(r.Value, positionOf(r, l))
				masked.add(n)
				return row
			}
		},
		key:    func(r *schema.SilverRow) reportKey { return reportKey{r.Category, r.State, r.KafkaOffset} },
		offset: reportOffset, compare: compareReport, columns: reportColumns,
		empty: (*schema.SilverRow).Erase, byID: true,
	}}
}

// maskedCount counts by kind what was masked. What a flush masks again that is
// tried again counts again.
type maskedCount struct {
	email, phone, ssn, card, account atomic.Int64
}

func (c *maskedCount) add(n schema.Masked) {
	if n == (schema.Masked{}) {
		return
	}
	c.email.Add(int64(n.Email))
	c.phone.Add(int64(n.Phone))
	c.ssn.Add(int64(n.SSN))
	c.card.Add(int64(n.Card))
	c.account.Add(int64(n.Account))
}

func (c *maskedCount) byKind() map[string]*atomic.Int64 {
	return map[string]*atomic.Int64{"email": &c.email, "phone": &c.phone, "ssn": &c.ssn, "card": &c.card, "account": &c.account}
}
