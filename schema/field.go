package schema

// fieldNames are the members of a complaint, in the order of its type.
var fieldNames = [...]string{
	"complaint_id", fieldDateReceived: "date_received", "product", "sub_product", "issue", "sub_issue", fieldNarrative: "narrative",
	"company_public_response", "company", "state", "zip_code", "tags", "consumer_consent_provided", "submitted_via",
	fieldDateSent: "date_sent_to_company", "company_response", "timely", "consumer_disputed",
}

// The places of the fields that are more than a text.
const (
	noField           = -1
	fieldDateReceived = 1
	fieldNarrative    = 6
	fieldDateSent     = 14
)

// FieldNames are the names of a complaint's fields.
func FieldNames() []string { return fieldNames[:] }

// fieldOf returns the place of a name in fieldNames, noField for an unknown one.
func fieldOf(name string) int {
	switch name {
	case "complaint_id":
		return 0
	case "date_received":
		return fieldDateReceived
	case "product":
		return 2
	case "sub_product":
		return 3
	case "issue":
		return 4
	case "sub_issue":
		return 5
	case "narrative":
		return fieldNarrative
	case "company_public_response":
		return 7
	case "company":
		return 8
	case "state":
		return 9
	case "zip_code":
		return 10
	case "tags":
		return 11
	case "consumer_consent_provided":
		return 12
	case "submitted_via":
		return 13
	case "date_sent_to_company":
		return fieldDateSent
	case "company_response":
		return 15
	case "timely":
		return 16
	case "consumer_disputed":
		return 17
	}
	return noField
}

// at returns where the field of a place in fieldNames is kept, nil for noField.
func (c *Complaint) at(field int) *string {
	switch field {
	case 0:
		return &c.ComplaintID
	case fieldDateReceived:
		return &c.DateReceived
	case 2:
		return &c.Product
	case 3:
		return &c.SubProduct
	case 4:
		return &c.Issue
	case 5:
		return &c.SubIssue
	case fieldNarrative:
		return &c.Narrative
	case 7:
		return &c.CompanyPublicResponse
	case 8:
		return &c.Company
	case 9:
		return &c.State
	case 10:
		return &c.ZipCode
	case 11:
		return &c.Tags
	case 12:
		return &c.ConsumerConsentProvided
	case 13:
		return &c.SubmittedVia
	case fieldDateSent:
		return &c.DateSentToCompany
	case 15:
		return &c.CompanyResponse
	case 16:
		return &c.Timely
	case 17:
		return &c.ConsumerDisputed
	}
	return nil
}
