package schema_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"complaints/schema"
)

func TestBureauTaxonomy(t *testing.T) {
	taxonomy := schema.Bureau()
	for label, want := range map[string]string{
		"Credit reporting":                                                             "Credit Reporting",
		"Credit reporting, repair, or other":                                           "Credit Reporting",
		"Credit reporting or other personal consumer reports":                          "Credit Reporting",
		"Credit reporting, credit repair services, or other personal consumer reports": "Credit Reporting",
		"  credit  REPORTING ":                                                         "Credit Reporting",
		"credit_reporting":                                                             "Credit Reporting",
		"Debt collection":                                                              "Debt Collection",
		"Mortgage":                                                                     "Loans",
		"Payday loan, title loan, personal loan, or advance loan":                      "Loans",
		"mortgages_and_loans":                                                          "Loans",
		"Debt or credit management":                                                    "Loans",
		"Prepaid card":                                                                 "Credit Card Services",
		"Money transfer, virtual currency, or money service":                           "Bank Accounts and Services",
		"Other financial service":                                                      "Bank Accounts and Services",
		"retail_banking":                                                               "Bank Accounts and Services",
		"Loans":                                                                        "Loans",
	} {
		if code, ok := taxonomy.Code(label); !ok || taxonomy.CategoryName(code) != want {
			t.Errorf("%q is category %d, %v, want %s", label, code, ok, want)
		}
	}
	for _, label := range []string{"", " ", "Fishing licence", "credit", "debt"} {
		if code, ok := taxonomy.Code(label); ok {
			t.Errorf("%q is category %d, want none", label, code)
		}
	}
	if name := taxonomy.CategoryName(7); name != "unknown" {
		t.Errorf("category 7 is %q", name)
	}
}

// The ID is of the content: bundles and results of one taxonomy must go on having the same.
func TestTaxonomyID(t *testing.T) {
	file, err := os.ReadFile("taxonomies/bureau.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(schema.Bureau().JSON(), file) {
		t.Error("the built-in file is not written as JSON writes it")
	}
	again, err := schema.ParseTaxonomy(schema.Bureau().JSON())
	if err != nil || again.ID() != schema.Bureau().ID() {
		t.Errorf("read again it is %v, %v", again, err)
	}
	swapped := strings.Replace(string(file), "Consumer Loan", "Consumer loan of another kind", 1)
	if other, err := schema.ParseTaxonomy([]byte(swapped)); err != nil || other.ID() == again.ID() {
		t.Errorf("another label gives %v, %v", other, err)
	}
}

func TestTaxonomySaysAllFaults(t *testing.T) {
	for name, test := range map[string]struct {
		json string
		want []string
	}{
		"several": {
			`{"name": "My Queues", "categories": [{"name": "Cards", "labels": ["card", "C++", "C#"]}, {"name": " cards"}, {"name": ""}, {"name": "Loans", "labels": ["CARD", "--"]}]}`,
			[]string{"small letters", `" cards" is empty, or begins`, `" cards" means both category 0 ("Cards") and category 1`, `category 2: the name "" is empty`, `"CARD" means both category 0 ("Cards") and category 3 ("Loans")`, `"--" has no letter or digit`},
		},
		"one":           {`{"name": "one", "categories": [{"name": "Cards"}]}`, []string{"there are 1 categories and may be 2 to 100"}},
		"none":          {`{}`, []string{"there are 0 categories"}},
		"a long name":   {`{"name": "x", "categories": [{"name": "A"}, {"name": "` + strings.Repeat("b", 101) + `"}]}`, []string{"longer than 100 characters"}},
		"unknown field": {`{"name": "x", "category": []}`, []string{"category"}},
		"more":          {`{"name": "x", "categories": [{"name": "A"}, {"name": "B"}]} {}`, []string{"something follows"}},
		"a line break":  {`{"name": "x", "categories": [{"name": "A\nB"}, {"name": "B"}]}`, []string{"cannot be shown"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := schema.ParseTaxonomy([]byte(test.json))
			if err == nil {
				t.Fatal("was taken")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestLabelsInOtherScripts(t *testing.T) {
	taxonomy, err := schema.ParseTaxonomy([]byte(`{"name": "queues", "categories": [{"name": "Überweisung"}, {"name": "贷款", "labels": ["Kredit"]}, {"name": "C++"}, {"name": "C#"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for label, want := range map[string]int{"ÜBERWEISUNG": 0, "贷 款": 1, " kredit": 1, "c++": 2, "c#": 3} {
		if code, ok := taxonomy.Code(label); !ok || code != want {
			t.Errorf("%q is %d, %v, want %d", label, code, ok, want)
		}
	}
}
