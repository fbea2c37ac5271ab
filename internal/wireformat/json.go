package wireformat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"unicode/utf8"

	"github.com/twmb/avro"
)

// number is a JSON number, digit by digit.
type number = json.Number

// appendJSON writes a decoded value. Bytes are base64, as everywhere in JSON.
func appendJSON(value any) ([]byte, error) {
	plain, err := plain(value)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(plain); err != nil {
		return nil, errors.New("it has no form in JSON") // the cause may quote a text
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// plain replaces, in place, what the encoder would refuse or change in silence.
func plain(value any) (any, error) {
	var err error
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if !utf8.ValidString(name) {
				return nil, errors.New("a name is not UTF-8")
			}
			if v[name], err = plain(member); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, element := range v {
			if v[i], err = plain(element); err != nil {
				return nil, err
			}
		}
	case string:
		if !utf8.ValidString(v) {
			return nil, errors.New("a text is not UTF-8")
		}
	case float32:
		return finite(float64(v), v), nil
	case float64:
		return finite(v, v), nil
	case [16]byte:
		return fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:]), nil
	case *big.Rat:
		return rational(v), nil
	case avro.Duration:
		return v.String(), nil
	}
	return value, nil
}

// finite gives v, or the name of what JSON has no number for.
func finite(f float64, v any) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return v
}
