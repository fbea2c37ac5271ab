package schema_test

import (
	"strings"
	"testing"

	"complaints/schema"
)

func TestCategoryOfProduct(t *testing.T) {
	for product, want := range map[string]schema.Category{
		"Credit reporting":                                                             schema.CreditReporting,
		"Credit reporting, repair, or other":                                           schema.CreditReporting,
		"Credit reporting or other personal consumer reports":                          schema.CreditReporting,
		"Credit reporting, credit repair services, or other personal consumer reports": schema.CreditReporting,
		"  credit  REPORTING ":                                                         schema.CreditReporting,
		"credit_reporting":                                                             schema.CreditReporting,
		"Debt collection":                                                              schema.DebtCollection,
		"Mortgage":                                                                     schema.Loans,
		"Payday loan, title loan, personal loan, or advance loan":                      schema.Loans,
		"mortgages_and_loans":                                                          schema.Loans,
		"Debt or credit management":                                                    schema.Loans,
		"Prepaid card":                                                                 schema.CreditCardServices,
		"Money transfer, virtual currency, or money service":                           schema.BankAccountsAndServices,
		"Other financial service":                                                      schema.BankAccountsAndServices,
		"retail_banking":                                                               schema.BankAccountsAndServices,
	} {
		if got, ok := schema.CategoryOfProduct(product); !ok || got != want {
			t.Errorf("%q is %v, %v, want %v", product, got, ok, want)
		}
	}
	for _, product := range []string{"", "Fishing licence", "credit", "debt"} {
		if got, ok := schema.CategoryOfProduct(product); ok {
			t.Errorf("%q is %v, want none", product, got)
		}
	}
}

func TestCategoryNames(t *testing.T) {
	for code, c := range schema.Categories() {
		if int(c) != code {
			t.Errorf("category %v has code %d at place %d", c, int(c), code)
		}
		for _, name := range []string{c.String(), strings.ToUpper(c.String()), strings.ReplaceAll(c.String(), " ", "_")} {
			if got, ok := schema.ParseCategory(name); !ok || got != c {
				t.Errorf("ParseCategory(%q) = %v, %v", name, got, ok)
			}
		}
	}
	if _, ok := schema.ParseCategory("unknown"); ok {
		t.Error("unknown is a category")
	}
	if s := schema.Category(7).String(); s != "unknown" {
		t.Errorf("category 7 is %q", s)
	}
}
