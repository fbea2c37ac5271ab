package schema

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// IsAbsent says whether a text is no value but the name that a program gives to
// an absent one: R, SQL, pandas, Spark and Excel each write another. N/A is none
// of them: the Bureau uses it as an answer.
func IsAbsent(s string) bool {
	if len(s) > len("[NULL]") {
		return false
	}
	switch s {
	case "", "NA", "NULL", "Null", "null", "(null)", "[NULL]", `\N`, "<NA>", "NaT", "NaN", "nan", "None", "#N/A", "#NULL!":
		return true
	}
	return false
}

// BoolText is a truth value as the Bureau writes it.
func BoolText(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
}

// WholeNumber turns 94087.0, which pandas makes of a column with gaps, into
// 94087. It returns any other text as it is.
func WholeNumber(s string) string {
	digits, ok := strings.CutSuffix(s, ".0")
	if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return s
	}
	return digits
}

// value is a text without what stands around it; "" if it is none, or names an absent one.
func value(s string) string {
	if s == "" || s[0] > ' ' && s[len(s)-1] > ' ' && s[0] < utf8.RuneSelf && s[len(s)-1] < utf8.RuneSelf {
		if IsAbsent(s) {
			return ""
		}
		return s
	}
	if s = strings.TrimSpace(s); IsAbsent(s) {
		return ""
	}
	return s
}

// Tidy takes out of a complaint what other programs left on the way: spaces around
// its fields, whole numbers written as floats, dates of another form, which become
// YYYY-MM-DD. The narrative stays as it is. A date that is none is left out, and
// its field returned; ambiguous says that order decided on one.
func (c *Complaint) Tidy(order DateOrder) (dropped []string, ambiguous bool) {
	for i := range fieldNames {
		if s := c.at(i); i != fieldNarrative && *s != "" {
			*s = value(*s)
		}
	}
	return c.tidyForms(order)
}

// tidyForms is Tidy of fields that have nothing around their values.
func (c *Complaint) tidyForms(order DateOrder) (dropped []string, ambiguous bool) {
	c.ComplaintID, c.ZipCode = WholeNumber(c.ComplaintID), WholeNumber(c.ZipCode)
	for _, field := range [...]int{fieldDateReceived, fieldDateSent} {
		date := c.at(field)
		if *date == "" || *date == "N/A" {
			*date = ""
			continue
		}
		day, either, ok := ReadDate(*date, order)
		if !ok {
			dropped = append(dropped, fieldNames[field])
		}
		*date, ambiguous = day, ambiguous || either
	}
	return dropped, ambiguous
}

// Notes says in words which fields of a message could not be used: "date_received: no date".
func Notes(dropped []string) string {
	if len(dropped) == 0 {
		return ""
	}
	notes := make([]string, len(dropped))
	for i, field := range dropped {
		notes[i] = field + ": no " + KindOf(field)
	}
	return strings.Join(notes, "; ")
}

// KindOf is what a field holds: a date or a text.
func KindOf(field string) string {
	if strings.HasPrefix(field, "date_") {
		return "date"
	}
	return "text"
}

// DateOrder says how to read 3/11/2024.
type DateOrder int

// The orders. The Bureau's is the default.
const (
	MonthFirst DateOrder = iota
	DayFirst
)

// maxDateBytes is longer than any date; JavaScript's own form has about 70.
const maxDateBytes = 96

// ReadDate reads a date as the Bureau or any usual program writes it, with or
// without a time of day, and returns its calendar day, as written, as
// YYYY-MM-DD. A number is milliseconds since 1970 (also seconds, microseconds
// or nanoseconds, by its length), the day of Excel (five digits), or YYYYMMDD.
// ambiguous says that day and month could be the other way round, and that order
// decided. A text that is no date is not ok.
func ReadDate(s string, order DateOrder) (day string, ambiguous, ok bool) {
	if isISODay(s) {
		return s, false, true
	}
	// The form of APIs, which the expression below would take longer for.
	if t, err := time.Parse(time.RFC3339, s); err == nil && t.Year() > 0 {
		return s[:len(time.DateOnly)], false, true
	}
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxDateBytes {
		return "", false, false
	}
	if day, ok := numberDay(s); ok {
		return day, false, true
	}
	if day, ambiguous, ok := readDay(s, order); ok {
		return day, ambiguous, true
	}
	// What follows one of these may be the time of day.
	for i, c := range s {
		if strings.ContainsRune(" Tt:,_", c) && clock.MatchString(s[i+1:]) {
			if day, ambiguous, ok := readDay(strings.TrimRight(s[:i], " ,"), order); ok {
				return day, ambiguous, true
			}
		}
	}
	if t, err := time.Parse("Mon Jan _2 15:04:05 2006", s); err == nil { // C's ctime
		return t.Format(time.DateOnly), false, true
	}
	return "", false, false
}

// clock is a time of day and its zone. The zone changes nothing: the day counts as it is written.
var clock = regexp.MustCompile(`^(?i) *(\d{6}|([01]?\d|2[0-4])([:.][0-5]\d){0,2})([.,:]\d{1,9})? ?([ap]\.?m\.?)?( ?(z|[a-z]{2,5}|[+-]\d\d(:?\d\d)?)){0,2}( ?[\[(][\w/ +:-]+[\])])?$`)

// isISODay says whether s is YYYY-MM-DD and a day of the calendar.
func isISODay(s string) bool {
	if len(s) != len(time.DateOnly) || s[4] != '-' || s[7] != '-' {
		return false
	}
	year, month, day := digits(s[:4]), digits(s[5:7]), digits(s[8:])
	return year > 0 && month > 0 && day > 0 && isDay(year, month, day)
}

// digits is a number of at most four digits; -1 if s is none.
func digits(s string) int {
	if s == "" || len(s) > 4 {
		return -1
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

func isDay(year, month, day int) bool {
	if year < 1 || month < 1 || month > 12 || day < 1 || day > 31 {
		return false
	}
	return day <= 28 || time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() == day
}

// numberDay reads a date that is a number.
func numberDay(s string) (string, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 1 || f >= 1<<63 || strings.Trim(s, "0123456789.eE+") != "" {
		return "", false
	}
	n := int64(f)
	if exact, err := strconv.ParseInt(s, 10, 64); err == nil {
		n = exact
	}
	var t time.Time
	switch len(strconv.FormatInt(n, 10)) {
	case 5:
		if n < 36526 || n > 54788 { // 2000 to 2049; other numbers are more likely a slip
			return "", false
		}
		t = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(n))
	case 8:
		t, err = time.Parse("20060102", strconv.FormatInt(n, 10))
	case 14:
		t, err = time.Parse("20060102150405", strconv.FormatInt(n, 10))
	case 9, 10:
		t = time.Unix(n, 0)
	case 12, 13:
		t = time.UnixMilli(n)
	case 15, 16:
		t = time.UnixMicro(n)
	case 18, 19:
		t = time.Unix(0, n)
	default:
		return "", false
	}
	return t.UTC().Format(time.DateOnly), err == nil && t.Year() > 0
}

// readDay reads a date without a time of day.
func readDay(s string, order DateOrder) (day string, ambiguous, ok bool) {
	if sep := strings.IndexAny(s, "-/."); sep > 0 {
		if parts := strings.Split(s, s[sep:sep+1]); len(parts) == 3 {
			if day, ambiguous, ok := threeNumbers(parts, order); ok {
				return day, ambiguous, true
			}
		}
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" -/.,", r) })
	if len(words) == 4 { // the day of the week goes first
		words = words[1:]
	}
	named := strings.Join(words, " ")
	for _, layout := range [...]string{"2 Jan 2006", "Jan 2 2006", "2 January 2006", "January 2 2006", "2 Jan 06", "2006 Jan 2", "02Jan2006", "20060102"} {
		if t, err := time.Parse(layout, named); err == nil && t.Year() > 0 {
			return t.Format(time.DateOnly), false, true
		}
	}
	return "", false, false
}

// threeNumbers reads year, month, day, or the year last.
func threeNumbers(parts []string, order DateOrder) (text string, ambiguous, ok bool) {
	a, b, c := digits(parts[0]), digits(parts[1]), digits(parts[2])
	if a < 0 || b < 0 || c < 0 {
		return "", false, false
	}
	year, month, day := a, b, c
	if len(parts[0]) != 4 {
		year, month, day = c, a, b
		switch len(parts[2]) {
		case 2:
			if year += 2000; year > 2068 { // as Go and C read two digits
				year -= 100
			}
		case 4:
		default:
			return "", false, false
		}
		ambiguous = a <= 12 && b <= 12 && a != b
		if a > 12 || ambiguous && order == DayFirst {
			month, day = b, a
		}
	}
	if !isDay(year, month, day) {
		return "", false, false
	}
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), ambiguous, true
}
