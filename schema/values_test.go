package schema

import (
	"strings"
	"testing"
	"time"
)

func TestReadDate(t *testing.T) {
	const day, other = "2024-03-11", "2024-11-03"
	for _, tc := range []struct {
		in, want  string // want "" is no date
		ambiguous bool
	}{
		{day, day, false},
		{"2024-3-11", day, false},
		{"2024/03/11", day, false},
		{"2024/3/11 9:05", day, false},
		{"2024.03.11", day, false},
		{" 2024-03-11\u00a0", day, false},
		{"2024-03-11T12:00:00-05:00", day, false},
		{"2024-03-11T23:59:59.999999999Z", day, false},
		{"2024-03-11T00:00:00", day, false},
		{"2024-03-11T00:00:00.000", day, false},
		{"2024-03-11T00:00:00,000", day, false},
		{"2024-03-11T00:00", day, false},
		{"2024-03-11t00:00:00z", day, false},
		{"2024-03-11 00:00:00", day, false},
		{"2024-03-11 00:00:00.0", day, false},
		{"2024-03-11 00:00:00+00:00", day, false},
		{"2024-03-11 00:00:00 +0000", day, false},
		{"2024-03-11T00:00:00+0000", day, false},
		{"2024-03-11 00:00:00+00", day, false},
		{"2024-03-11 00:00:00 UTC", day, false},
		{"2024-03-11 00:00:00 +0000 UTC", day, false},
		{"2024-03-11T00:00:00Z[Europe/Berlin]", day, false},
		{"20240311", day, false},
		{"20240311T000000Z", day, false},
		{"20240311000000", day, false},
		{"1710115200000", day, false},
		{"1.7101152E12", day, false},
		{"1710115200000.0", day, false},
		{"1710115200", day, false},
		{"1710115200000000", day, false},
		{"1710115200000000000", day, false},
		{"949276800000", "2000-01-31", false},
		{"45362", day, false},
		{"45362.5", day, false},
		{"3/25/2024", "2024-03-25", false},
		{"25/03/2024", "2024-03-25", false},
		{"25.3.2024", "2024-03-25", false},
		{"03/11/2024", day, true},
		{"3/11/24", day, true},
		{"3-11-2024", day, true},
		{"3/11/2024 0:00", day, true},
		{"03/11/2024 12:00:00 AM", day, true},
		{"3/11/2024, 9:05:00 a.m.", day, true},
		{"11/03/2024", other, true},
		{"11.03.2024", other, true},
		{"03/03/2024", "2024-03-03", false},
		{"1/2/69", "1969-01-02", true},
		{"11-Mar-24", day, false},
		{"11-MAR-2024", day, false},
		{"11MAR2024", day, false},
		{"11MAR2024:00:00:00", day, false},
		{"11/Mar/2024:10:00:00 +0000", day, false},
		{"March 11, 2024", day, false},
		{"Mar 11, 2024, 10:00 AM", day, false},
		{"11 March 2024", day, false},
		{"Monday, March 11, 2024", day, false},
		{"Mon, 11 Mar 2024 10:00:00 GMT", day, false},
		{"Mon Mar 11 10:00:00 2024", day, false},
		{"Mon Mar 11 2024 00:00:00 GMT+0000 (Coordinated Universal Time)", day, false},
		{"2024-02-29", "2024-02-29", false},

		{"", "", false},
		{"2023-02-29", "", false},
		{"2024-13-01", "", false},
		{"13/13/2024", "", false},
		{"0000-00-00", "", false},
		{"0000-01-01", "", false},
		{"2024-03-11 in the morning", "", false},
		{"2024-03-11T99:99", "", false},
		{"2024-03", "", false},
		{"2024", "", false},
		{"12345", "", false},
		{"99999999", "", false},
		{"-1", "", false},
		{"1e300", "", false},
		{"Infinity", "", false},
		{"tomorrow", "", false},
		{"N/A", "", false},
		{"My name is John Smith, SSN 123-45-6789", "", false},
		{"123-45-6789", "", false},
		{"1/2/3", "", false},
		{strings.Repeat("9", 500), "", false},
	} {
		got, ambiguous, ok := ReadDate(tc.in, MonthFirst)
		if got != tc.want || ambiguous != tc.ambiguous || ok != (tc.want != "") {
			t.Errorf("%q is %q, ambiguous %t, %t; want %q, %t", tc.in, got, ambiguous, ok, tc.want, tc.ambiguous)
		}
	}
	for in, want := range map[string]string{
		"11/03/2024": day, "3/11/24": "2024-11-03", "11.03.2024 10:00": day, "3/25/2024": "2024-03-25", "2024-03-11": day,
	} {
		if got, _, _ := ReadDate(in, DayFirst); got != want {
			t.Errorf("day first %q is %q, want %q", in, got, want)
		}
	}
}

func TestAbsent(t *testing.T) {
	for _, s := range []string{"", "NA", "NULL", "null", `\N`, "<NA>", "NaT", "NaN", "nan", "None", "#N/A", "[NULL]", "(null)"} {
		if !IsAbsent(s) {
			t.Errorf("%q is a value", s)
		}
	}
	for _, s := range []string{"N/A", "Nan", "na", "none", "NULL.", "Nathan", "0", "-", `\n`} {
		if IsAbsent(s) {
			t.Errorf("%q is absent", s)
		}
	}
}

func TestWholeNumber(t *testing.T) {
	for in, want := range map[string]string{"94087.0": "94087", "94087": "94087", ".0": ".0", "a.0": "a.0", "1.5": "1.5", "-1.0": "-1.0"} {
		if got := WholeNumber(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// Whatever it reads is a day that the lake can hold, and all that the strict
// form of messages takes is read as the same day.
func FuzzReadDate(f *testing.F) {
	for _, s := range []string{"2024-03-11", "2024-03-11T12:00:00-05:00", "3/11/2024 0:00", "1710115200000", "45362", "11-Mar-24", "Mon Mar 11 10:00:00 2024"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, order := range []DateOrder{MonthFirst, DayFirst} {
			day, _, ok := ReadDate(s, order)
			if !ok {
				if day != "" {
					t.Errorf("%q is no date but %q", s, day)
				}
				if at, strict := ParseDate(s); strict && at.Year() > 0 && len(s) <= maxDateBytes {
					t.Errorf("%q is a date of a message", s)
				}
				continue
			}
			at, err := time.Parse(time.DateOnly, day)
			if err != nil || at.Year() < 1 {
				t.Errorf("%q is %q: %v", s, day, err)
			}
			if strict, ok := ParseDate(s); ok && !strict.Equal(at) {
				t.Errorf("%q is %s, a message reads %s", s, day, strict)
			}
		}
	})
}
