package schema

import "time"

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

	TrueCategory *string `parquet:"true_category,optional,dict"` // where the product is known
	Category     string  `parquet:"category,dict"`               // as the model said
	CategoryCode int32   `parquet:"category_code"`
	Probability  float64 `parquet:"probability"`
	NeedsReview  bool    `parquet:"needs_review"`
	Taxonomy     *string `parquet:"taxonomy,optional,dict"`
	ModelVersion string  `parquet:"model_version,dict"`

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

	// Objects that were written before these columns were there lack them.
	Extra     *string `parquet:"extra,optional"`      // JSON of what is no field, personal data masked
	Notes     *string `parquet:"notes,optional,dict"` // which fields of the message could not be used
	SourceKey *string `parquet:"source_key,optional"` // of the message, masked, where it is text and not the complaint's id
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
		Timely: yesNoOf(r.Timely), ConsumerDisputed: yesNoOf(r.ConsumerDisputed), Extra: Extra(of(r.Extra)),
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

// Shared by all rows.
var yes, no = true, false

// YesNo reads a field that holds Yes or No in any case, nil for anything else. What it
// returns is shared and must not be written to.
func YesNo(s string) *bool {
	if s != "Yes" && s != "No" { // as the Bureau writes it
		s = FoldLabel(s)
	}
	switch s {
	case "Yes", "yes":
		return &yes
	case "No", "no":
		return &no
	}
	return nil
}
