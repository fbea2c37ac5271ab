package complaintfile

import (
	"strings"
	"time"

	"complaints/schema"
)

// field is a field of a complaint and the names that files give it, the most
// telling first: where two columns hold one field, the first that is not empty
// counts. Names are folded: lower case, letters and digits alone.
type field struct {
	name  string
	of    func(c *schema.Complaint) *string
	names []string
}

// fieldText is the place of the text among fields.
const fieldText = 0

var fields = [...]field{
	{"narrative", func(c *schema.Complaint) *string { return &c.Narrative }, []string{
		"consumercomplaintnarrative", "narrative", "complaintwhathappened", "complaintnarrative", "consumernarrative", "complainttext",
		"consumercomplaint", "consumercomplaints", "narratives", "complaint", "complaints", "text", "description", "whathappened",
	}},
	{"complaint_id", func(c *schema.Complaint) *string { return &c.ComplaintID }, []string{
		"complaintid", "complaintnumber", "complaintno", "id",
	}},
	{"date_received", func(c *schema.Complaint) *string { return &c.DateReceived }, []string{
		"datereceived", "receiveddate", "receivedon", "date",
	}},
	{"product", func(c *schema.Complaint) *string { return &c.Product }, []string{
		"product", "productname", "product5", "productcategory",
	}},
	{"sub_product", func(c *schema.Complaint) *string { return &c.SubProduct }, []string{"subproduct"}},
	{"issue", func(c *schema.Complaint) *string { return &c.Issue }, []string{"issue"}},
	{"sub_issue", func(c *schema.Complaint) *string { return &c.SubIssue }, []string{"subissue"}},
	{"company_public_response", func(c *schema.Complaint) *string { return &c.CompanyPublicResponse }, []string{
		"companypublicresponse", "publicresponse",
	}},
	{"company", func(c *schema.Complaint) *string { return &c.Company }, []string{"company", "companyname"}},
	{"state", func(c *schema.Complaint) *string { return &c.State }, []string{"state", "statecode", "statename"}},
	{"zip_code", func(c *schema.Complaint) *string { return &c.ZipCode }, []string{"zipcode", "zip", "postalcode"}},
	{"tags", func(c *schema.Complaint) *string { return &c.Tags }, []string{"tags", "tag"}},
	{"consumer_consent_provided", func(c *schema.Complaint) *string { return &c.ConsumerConsentProvided }, []string{
		"consumerconsentprovided", "consumerconsent", "consentprovided",
	}},
	{"submitted_via", func(c *schema.Complaint) *string { return &c.SubmittedVia }, []string{"submittedvia", "submissiontype", "via"}},
	{"date_sent_to_company", func(c *schema.Complaint) *string { return &c.DateSentToCompany }, []string{
		"datesenttocompany", "datesent", "senttocompany",
	}},
	{"company_response", func(c *schema.Complaint) *string { return &c.CompanyResponse }, []string{
		"companyresponse", "companyresponsetoconsumer", "companyresponsetotheconsumer",
	}},
	{"timely", func(c *schema.Complaint) *string { return &c.Timely }, []string{"timely", "timelyresponse"}},
	{"consumer_disputed", func(c *schema.Complaint) *string { return &c.ConsumerDisputed }, []string{
		"consumerdisputed", "disputed",
	}},
}

// alias says which field a folded name stands for, and how telling it is.
type alias struct{ field, rank int }

var aliases = func() map[string]alias {
	m := make(map[string]alias)
	for i, f := range fields {
		for rank, n := range f.names {
			m[n] = alias{i, rank}
		}
	}
	return m
}()

// fold lower-cases a column name and drops all but letters and digits.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + ('a' - 'A')
		}
		return -1
	}, s)
}

// tidy takes out of a complaint what other programs left on the way: names of
// nothing, whole numbers written as floats, American dates. The text of the
// narrative stays as it is.
func tidy(c *schema.Complaint) {
	for i := range fields {
		s := fields[i].of(c)
		v := strings.TrimSpace(*s)
		switch v {
		case "None", "nan", "NaN": // how Python writes an absent value; the Bureau's export too
			v = ""
		}
		if i != fieldText || v == "" {
			*s = v
		}
	}
	c.ComplaintID = unfloat(c.ComplaintID)
	c.ZipCode = unfloat(c.ZipCode)
	c.DateReceived = isoDate(c.DateReceived)
	c.DateSentToCompany = isoDate(c.DateSentToCompany)
}

// unfloat turns 94087.0, which pandas makes of a column with gaps, into 94087.
func unfloat(s string) string {
	digits, ok := strings.CutSuffix(s, ".0")
	if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return s
	}
	return digits
}

// isoDate turns a date into YYYY-MM-DD. What is none stays: the consumer
// dead-letters it, where a person can see it.
func isoDate(s string) string {
	if len(s) >= 10 && s[4] == '-' {
		if len(s) == 10 {
			return s
		}
		if _, err := time.Parse(time.DateOnly, s[:10]); err == nil && (s[10] == 'T' || s[10] == ' ') {
			return s[:10]
		}
	}
	for _, layout := range [...]string{"1/2/2006", "1/2/06"} { // the Bureau's before 2018, and Excel's
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format(time.DateOnly)
		}
	}
	return s
}
