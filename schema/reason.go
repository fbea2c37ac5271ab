package schema

import "fmt"

// Reason is the fixed code that says why a message was dead-lettered. It is a
// header of the dead letter and a label of its metric, so the set is closed.
type Reason string

// The reasons. A message has the first that applies, in this order.
const (
	ReasonTombstone      Reason = "tombstone"       // a null value
	ReasonWireFormat     Reason = "wire_format"     // the value is of a schema registry, and none is given
	ReasonUnknownSchema  Reason = "unknown_schema"  // the schema registry knows no schema with the value's id
	ReasonSchemaMismatch Reason = "schema_mismatch" // the value does not decode by its schema
	ReasonInvalidUTF8    Reason = "invalid_utf8"    // the value is not UTF-8
	ReasonTooDeep        Reason = "too_deep"        // nested deeper than MaxDepth
	ReasonNotJSON        Reason = "not_json"        // the value is not JSON
	ReasonNotObject      Reason = "not_object"      // JSON, but no object
	ReasonEnvelope       Reason = "envelope"        // JSON around a complaint that another mapping reads
	ReasonWrongType      Reason = "wrong_type"      // the narrative is no text
	ReasonNoText         Reason = "no_text"         // no narrative
	ReasonBlankText      Reason = "blank_text"      // a narrative of white space alone
	ReasonOnlyMasks      Reason = "only_masks"      // a narrative of XXXX and punctuation alone
	ReasonTextTooLong    Reason = "text_too_long"
	ReasonBadDate        Reason = "bad_date"  // a label's time that is none
	ReasonTooLarge       Reason = "too_large" // the result does not fit the output topic
)

// Reasons returns all reasons, for metrics and filters.
func Reasons() []Reason {
	return []Reason{
		ReasonTombstone, ReasonWireFormat, ReasonUnknownSchema, ReasonSchemaMismatch, ReasonInvalidUTF8, ReasonTooDeep, ReasonNotJSON, ReasonNotObject,
		ReasonEnvelope, ReasonWrongType,
		ReasonNoText, ReasonBlankText, ReasonOnlyMasks, ReasonTextTooLong, ReasonBadDate, ReasonTooLarge,
	}
}

// Rejection says why a message is no complaint. Its text never quotes the
// narrative.
type Rejection struct {
	Reason Reason
	Detail string
}

func (r *Rejection) Error() string { return string(r.Reason) + ": " + r.Detail }

func reject(reason Reason, format string, args ...any) *Rejection {
	return &Rejection{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
