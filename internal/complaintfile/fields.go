package complaintfile

import (
	"strings"
	"unicode"

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
		"complaintid", "complaintnumber", "complaintno", "publicid", "id",
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

// naming says which names stand for the fields.
type naming map[string]alias

// usual are the names that are known without being told.
var usual = newNaming(nil)

// newNaming are the usual names, but for the fields whose columns are named.
func newNaming(columns map[string][]string) naming {
	m := naming{}
	for i := range fields {
		if f := &fields[i]; columns[f.name] == nil {
			for rank, n := range f.names {
				m[n] = alias{i, rank}
			}
		}
	}
	for i := range fields {
		for rank, n := range columns[fields[i].name] { // also those that usually stand for another field
			m[fold(n)] = alias{i, rank}
		}
	}
	return m
}

// of returns what a name stands for.
func (n naming) of(name string) (alias, bool) {
	a, ok := n[fold(name)]
	return a, ok
}

// fold lower-cases a column name and drops all but letters and digits.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// clearRank is how many names of the text say so beyond doubt; the others may be
// a member of anything.
const clearRank = 6

// tidy is [schema.Complaint.Tidy], and warns of a date that could be another.
func (n *notes) tidy(c *schema.Complaint, line int) (dropped []string) {
	dropped, ambiguous := c.Tidy(n.dates)
	switch {
	case ambiguous && n.dates == schema.DayFirst:
		n.once(line, warnDayFirst)
	case ambiguous:
		n.once(line, warnDates)
	}
	return dropped
}
