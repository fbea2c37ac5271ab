package schema

import "strings"

// Category is one of the five subjects a complaint can be about. Its value is
// the code that models, messages and tables carry.
type Category int

// The five categories, in the order of their codes.
const (
	CreditReporting Category = iota
	DebtCollection
	Loans
	CreditCardServices
	BankAccountsAndServices

	// NumCategories is how many categories there are.
	NumCategories = 5
)

var categoryNames = [NumCategories]string{
	"Credit Reporting",
	"Debt Collection",
	"Loans",
	"Credit Card Services",
	"Bank Accounts and Services",
}

// Categories returns all categories in the order of their codes.
func Categories() [NumCategories]Category {
	return [NumCategories]Category{CreditReporting, DebtCollection, Loans, CreditCardServices, BankAccountsAndServices}
}

// String returns the name that messages, tables and pages show.
func (c Category) String() string {
	if c < 0 || c >= NumCategories {
		return "unknown"
	}
	return categoryNames[c]
}

// ParseCategory finds the category of a name as String writes it; case and
// spacing do not matter.
func ParseCategory(name string) (Category, bool) {
	name = foldName(name)
	for i, n := range categoryNames {
		if foldName(n) == name {
			return Category(i), true
		}
	}
	return 0, false
}

// productsOf holds the product names of the Bureau, old and new, by category.
var productsOf = map[Category][]string{
	CreditReporting: {
		"Credit reporting",
		"Credit reporting, credit repair services, or other personal consumer reports",
		"Credit reporting or other personal consumer reports",
		"Credit reporting, repair, or other",
	},
	DebtCollection: {"Debt collection"},
	Loans: {
		"Mortgage",
		"Student loan",
		"Vehicle loan or lease",
		"Consumer Loan",
		"Payday loan",
		"Payday loan, title loan, or personal loan",
		"Payday loan, title loan, personal loan, or advance loan",
		"Debt or credit management",
	},
	CreditCardServices: {"Credit card", "Credit card or prepaid card", "Prepaid card"},
	BankAccountsAndServices: {
		"Checking or savings account",
		"Bank account or service",
		"Money transfer, virtual currency, or money service",
		"Money transfers",
		"Virtual currency",
		"Other financial service",
	},
}

// kaggleProducts are the short names of the published five-class data set.
var kaggleProducts = map[string]Category{
	"credit_reporting":    CreditReporting,
	"debt_collection":     DebtCollection,
	"mortgages_and_loans": Loans,
	"credit_card":         CreditCardServices,
	"retail_banking":      BankAccountsAndServices,
}

var categoryOfProduct = func() map[string]Category {
	m := make(map[string]Category)
	for c, products := range productsOf {
		for _, p := range products {
			m[p], m[foldName(p)] = c, c
		}
	}
	for p, c := range kaggleProducts {
		m[foldName(p)] = c
	}
	return m
}()

// CategoryOfProduct returns the true category of a complaint whose product is
// known, by the Bureau's product names old and new; case and spacing do not
// matter. An unknown product is no error: it only means that there is no true
// category.
func CategoryOfProduct(product string) (Category, bool) {
	c, ok := categoryOfProduct[product]
	if !ok {
		c, ok = categoryOfProduct[foldName(product)]
	}
	return c, ok
}

// foldName lower-cases a name and drops all that is not a letter or a digit, so
// that spelling variants of one name are equal.
func foldName(s string) string {
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
