package api

import (
	"net/http"
	"strconv"

	"complaints/internal/classifier"
)

// paramExplain asks for what spoke for and against each prediction.
const paramExplain = "explain"

// maxParts is how many terms an explanation names on each side.
const maxParts = 10

// wantsExplanation reads the parameter.
func wantsExplanation(r *http.Request) (bool, *problem) {
	if r.URL.RawQuery == "" {
		return false, nil
	}
	switch value := r.URL.Query()[paramExplain]; {
	case len(value) == 0 || value[0] == "false":
		return false, nil
	case value[0] == "true":
		return true, nil
	default:
		return false, newProblem(http.StatusBadRequest, "invalid-parameter", "Invalid parameter",
			"%s is %.40q, want true or false", paramExplain, value[0]).in(paramExplain)
	}
}

func tooManyToExplain(texts, limit int) *problem {
	return newProblem(http.StatusUnprocessableEntity, "too-many-texts", "Too many texts",
		"text has %d texts, and no more than %d are explained a request; send several requests", texts, limit).in("text")
}

// appendExplanation appends an explanation: base, for, against and rest sum to score.
func appendExplanation(b []byte, e *classifier.Explanation) []byte {
	b = append(b, `{"base":`...)
	b = appendNumber(b, e.Base)
	b = append(b, `,"score":`...)
	b = appendNumber(b, e.Score)
	rest := 0.0
	for _, side := range []struct {
		name string
		sign float64
	}{{"for", 1}, {"against", -1}} {
		b = append(append(append(b, `,"`...), side.name...), `":[`...)
		named := 0
		for i := range e.Parts {
			part := &e.Parts[i]
			if part.Weight*side.sign <= 0 {
				continue
			}
			if named++; named > maxParts {
				rest += part.Weight
				continue
			}
			if named > 1 {
				b = append(b, ',')
			}
			b = appendPart(b, part)
		}
		b = append(b, ']')
	}
	b = append(b, `,"rest":`...)
	b = appendNumber(b, rest)
	return append(b, '}')
}

func appendPart(b []byte, p *classifier.Part) []byte {
	b = appendText(append(b, `{"name":`...), p.Name)
	b = append(append(append(b, `,"kind":"`...), p.Kind.String()...), `","in_text":`...)
	b = strconv.AppendBool(b, p.InText)
	b = appendNumber(append(b, `,"weight":`...), p.Weight)
	return append(b, '}')
}
