package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// SilverRow is one row of silver: a classified complaint with its text, typed,
// tidied, and without personal data. The tags are those of parquet-go. A nil
// pointer is NULL.
//
// As in gold, a record that is no classified complaint has its row too, with
// RecordError.
type SilverRow struct {
	ComplaintID             string  `parquet:"complaint_id"`
	DateReceived            *int32  `parquet:"date_received,optional,date"` // days since 1970-01-01
	Product                 *string `parquet:"product,optional,dict"`
	SubProduct              *string `parquet:"sub_product,optional,dict"`
	Issue                   *string `parquet:"issue,optional,dict"`
	SubIssue                *string `parquet:"sub_issue,optional,dict"`
	Narrative               string  `parquet:"narrative"`
	CompanyPublicResponse   *string `parquet:"company_public_response,optional,dict"`
	Company                 *string `parquet:"company,optional,dict"`
	State                   *string `parquet:"state,optional,dict"`
	ZipCode                 *string `parquet:"zip_code,optional,dict"`
	Tags                    *string `parquet:"tags,optional,dict"`
	ConsumerConsentProvided *string `parquet:"consumer_consent_provided,optional,dict"`
	SubmittedVia            *string `parquet:"submitted_via,optional,dict"`
	DateSentToCompany       *int32  `parquet:"date_sent_to_company,optional,date"`
	CompanyResponse         *string `parquet:"company_response,optional,dict"`
	Timely                  *bool   `parquet:"timely,optional"`
	ConsumerDisputed        *bool   `parquet:"consumer_disputed,optional"`

	TrueCategory     *string `parquet:"true_category,optional,dict"` // where the product is known
	TrueCategoryCode *int32  `parquet:"true_category_code,optional"`
	Category         string  `parquet:"category,dict"` // as the model said
	CategoryCode     int32   `parquet:"category_code"`
	Probability      float64 `parquet:"probability"`
	NeedsReview      bool    `parquet:"needs_review"`
	ModelVersion     string  `parquet:"model_version,dict"`

	TextHash      string `parquet:"text_hash"`     // of the narrative as it stands here; 32 hex digits
	NearCopyKey   string `parquet:"near_copy_key"` // see [NearCopyKey]
	MaskedEmail   int32  `parquet:"masked_email"`  // how many were masked, in all columns
	MaskedPhone   int32  `parquet:"masked_phone"`
	MaskedSSN     int32  `parquet:"masked_ssn"`
	MaskedCard    int32  `parquet:"masked_card"`
	MaskedAccount int32  `parquet:"masked_account"`

	SourceTopicID   string  `parquet:"source_topic_id,dict"`
	SourcePartition int32   `parquet:"source_partition"`
	SourceOffset    int64   `parquet:"source_offset"`
	SourceTimestamp int64   `parquet:"source_timestamp,timestamp(millisecond)"`
	KafkaPartition  int32   `parquet:"kafka_partition"` // of the classified topic
	KafkaOffset     int64   `parquet:"kafka_offset"`
	KafkaTimestamp  int64   `parquet:"kafka_timestamp,timestamp(millisecond)"`
	RecordError     *string `parquet:"record_error,optional,dict"`
}

// SilverRowOf maps a record of the classified topic to its row, and counts what
// was masked in it.
func SilverRowOf(value []byte, at Position) (SilverRow, Masked) {
	row := SilverRow{KafkaPartition: at.Partition, KafkaOffset: at.Offset, KafkaTimestamp: at.Timestamp}
	c, err := DecodeClassified(value)
	if err != nil {
		row.RecordError = new(err.Error())
		return row, Masked{}
	}
	masked := c.Clean()
	row.setComplaint(&c.Complaint)
	row.MaskedEmail, row.MaskedPhone, row.MaskedSSN = int32(masked.Email), int32(masked.Phone), int32(masked.SSN)
	row.MaskedCard, row.MaskedAccount = int32(masked.Card), int32(masked.Account)
	row.Category, row.CategoryCode, row.Probability = c.Category, int32(c.CategoryCode), c.Probability
	row.NeedsReview, row.ModelVersion = c.NeedsReview, c.ModelVersion
	row.SourceTopicID, row.SourcePartition, row.SourceOffset, row.SourceTimestamp = c.TopicID, c.Partition, c.Offset, int64(c.Timestamp)
	return row, masked
}

func (r *SilverRow) setComplaint(c *Complaint) {
	r.ComplaintID = c.ComplaintID
	r.DateReceived = dayNumber(c.DateReceived)
	r.Product = text(c.Product)
	r.SubProduct = text(c.SubProduct)
	r.Issue = text(c.Issue)
	r.SubIssue = text(c.SubIssue)
	r.Narrative = c.Narrative
	r.CompanyPublicResponse = text(c.CompanyPublicResponse)
	r.Company = text(c.Company)
	r.State = text(c.State)
	r.ZipCode = text(c.ZipCode)
	r.Tags = text(c.Tags)
	r.ConsumerConsentProvided = text(c.ConsumerConsentProvided)
	r.SubmittedVia = text(c.SubmittedVia)
	r.DateSentToCompany = dayNumber(c.DateSentToCompany)
	r.CompanyResponse = text(c.CompanyResponse)
	r.Timely = yesNo(c.Timely)
	r.ConsumerDisputed = yesNo(c.ConsumerDisputed)
	if category, ok := CategoryOfProduct(c.Product); ok {
		r.TrueCategory, r.TrueCategoryCode = new(category.String()), new(int32(category))
	}
	r.TextHash = textHash(c.Narrative)
	r.NearCopyKey = NearCopyKey(c.Narrative)
}

// Complaint is the complaint of the row, tidied and masked as the row has it.
func (r *SilverRow) Complaint() Complaint {
	of := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return Complaint{
		ComplaintID: r.ComplaintID, DateReceived: DateText(r.DateReceived), Product: of(r.Product), SubProduct: of(r.SubProduct), Issue: of(r.Issue),
		SubIssue: of(r.SubIssue), Narrative: r.Narrative, CompanyPublicResponse: of(r.CompanyPublicResponse), Company: of(r.Company),
		State: of(r.State), ZipCode: of(r.ZipCode), Tags: of(r.Tags), ConsumerConsentProvided: of(r.ConsumerConsentProvided),
		SubmittedVia: of(r.SubmittedVia), DateSentToCompany: DateText(r.DateSentToCompany), CompanyResponse: of(r.CompanyResponse),
		Timely: yesNoOf(r.Timely), ConsumerDisputed: yesNoOf(r.ConsumerDisputed),
	}
}

// DateText is the date of a column of silver as YYYY-MM-DD, "" for NULL.
func DateText(day *int32) string {
	if day == nil {
		return ""
	}
	return time.Unix(int64(*day)*24*60*60, 0).UTC().Format(time.DateOnly)
}

func yesNoOf(v *bool) string {
	switch {
	case v == nil:
		return ""
	case *v:
		return "Yes"
	}
	return "No"
}

// textHash is equal in equal texts only.
func textHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// Clean tidies all texts of a complaint and masks personal data in them, and
// returns what it has masked. What is no text of a person (ids, dates, ZIP code,
// state) is only tidied.
func (c *Complaint) Clean() Masked {
	all := clean(&c.Narrative)
	return all.Plus(c.cleanColumns())
}

// cleanColumns is Clean for all but the narrative, which gold does not have.
func (c *Complaint) cleanColumns() Masked {
	var all Masked
	for _, field := range [...]*string{
		&c.Product, &c.SubProduct, &c.Issue, &c.SubIssue, &c.CompanyPublicResponse, &c.Company,
		&c.Tags, &c.ConsumerConsentProvided, &c.SubmittedVia, &c.CompanyResponse,
	} {
		all = all.Plus(clean(field))
	}
	c.State, c.ZipCode = Tidy(c.State), Tidy(c.ZipCode)
	return all
}

func clean(field *string) (n Masked) {
	*field, n = MaskPersonal(Tidy(*field))
	return n
}
