// Package athena makes the table definitions of the lake from the Go types of its rows: for Athena (Hive's DDL and Glue
// tables in CloudFormation) and for Trino, on which the tests run them. The views and queries beside it are SQL that
// both engines take.
//
// In come the row types; out come texts. A test holds the committed files to them.
package athena

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"complaints/schema"
)

// FirstDay is the first day that queries look at. The days are not listed anywhere: they are projected from here to
// tomorrow (UTC), so that a new one is seen without a crawler or a repair.
const FirstDay = "2025-01-01"

// Column is a column, its type as Athena names it.
type Column struct{ Name, Type string }

// Table is one layer of the lake.
type Table struct {
	Name, Comment string
	Columns       []Column
	Keys          []key // of the partitions, the folders from the outside in
}

// key is a partition key, and how its values are projected.
type key struct {
	Name, Comment string
	Projection    [][2]string // Hive's properties, behind projection.NAME.
}

var (
	keyDay = key{"dt", "day of the Kafka timestamp, UTC", [][2]string{
		{"type", "date"}, {"format", "yyyy-MM-dd"}, {"range", FirstDay + ",NOW+1DAYS"}, {"interval", "1"}, {"interval.unit", "DAYS"},
	}}
	// Nothing lists the versions, so a query has to name the ones it wants.
	keyModel = key{"model", "version of the model; a query must name it", [][2]string{{"type", "injected"}}}
)

// Tables are the layers, the copies of silver, gold and labels that consumer compact makes, and what trainer score writes.
func Tables() ([]Table, error) {
	var tables []Table
	for _, l := range []struct {
		layer   schema.Layer
		comment string
		row     any
		keys    []key
	}{
		{schema.Bronze, "Messages of the complaints topic as they came", schema.BronzeRow{}, []key{keyDay}},
		{schema.Silver, "Classified complaints with their text, typed, tidied, personal data masked", schema.SilverRow{}, []key{keyDay}},
		{schema.Gold, "Classified complaints for reports, without text", schema.GoldRow{}, []key{keyDay}},
		{schema.Labels, "What people say that the categories are; labels_latest has the newest of each complaint", schema.LabelRow{}, []key{keyDay}},
		{schema.Silver.Daily(), "Closed days of silver in large objects, for the view silver_all", schema.SilverRow{}, []key{keyDay}},
		{schema.Gold.Daily(), "Closed days of gold in large objects, for the view gold_all", schema.GoldRow{}, []key{keyDay}},
		{schema.Labels.Daily(), "Closed days of labels in large objects, for the view labels_all", schema.LabelRow{}, []key{keyDay}},
		{schema.Predictions, "What a model says of the complaints of silver, by trainer score", schema.PredictionRow{}, []key{keyModel, keyDay}},
	} {
		columns, err := columnsOf(reflect.TypeOf(l.row))
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", l.layer, err)
		}
		tables = append(tables, Table{string(l.layer), l.comment, columns, l.keys})
	}
	return tables, nil
}

// columnsOf reads the tags of parquet-go.
func columnsOf(row reflect.Type) ([]Column, error) {
	var columns []Column
	for f := range row.Fields() {
		tag := strings.Split(f.Tag.Get("parquet"), ",")
		if tag[0] == "" || tag[0] == "-" || tag[0] != strings.ToLower(tag[0]) {
			return nil, fmt.Errorf("field %s has no lower-case column name: parquet:%q", f.Name, f.Tag.Get("parquet"))
		}
		kind, err := typeOf(f.Type, tag[1:])
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", tag[0], err)
		}
		columns = append(columns, Column{tag[0], kind})
	}
	return columns, nil
}

// typeOf is Athena's type of a field.
func typeOf(t reflect.Type, options []string) (string, error) {
	switch {
	case slices.Contains(options, "timestamp(millisecond)"):
		return "timestamp", nil
	case slices.Contains(options, "date"):
		return "date", nil
	case t.Kind() == reflect.Pointer:
		return typeOf(t.Elem(), options)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return "binary", nil
	case t.Kind() == reflect.Slice:
		element, err := typeOf(t.Elem(), nil)
		return "array<" + element + ">", err
	case t.Kind() == reflect.Struct:
		columns, err := columnsOf(t)
		if len(columns) == 1 && columns[0].Name == "key_value" { // as Parquet has a map
			entry, err := columnsOf(t.Field(0).Type.Elem())
			return "map<" + entry[0].Type + "," + entry[1].Type + ">", err
		}
		fields := make([]string, len(columns))
		for i, c := range columns {
			fields[i] = c.Name + ":" + c.Type
		}
		return "struct<" + strings.Join(fields, ",") + ">", err
	}
	name, ok := map[reflect.Kind]string{
		reflect.String: "string", reflect.Int32: "int", reflect.Int64: "bigint", reflect.Float64: "double", reflect.Bool: "boolean",
	}[t.Kind()]
	if !ok {
		return "", fmt.Errorf("no type of Athena is known for %s", t)
	}
	return name, nil
}

// properties turn on partition projection, in Hive's words.
func (t Table) properties() [][2]string {
	out := [][2]string{{"classification", "parquet"}, {"projection.enabled", "true"}}
	for _, k := range t.Keys {
		for _, p := range k.Projection {
			out = append(out, [2]string{"projection." + k.Name + "." + p[0], p[1]})
		}
	}
	return out
}

// folders are those of a partition below the table's own, with the keys' values written as in a template.
func (t Table) folders(value string) string {
	var b strings.Builder
	for _, k := range t.Keys {
		b.WriteString("/" + k.Name + "=" + fmt.Sprintf(value, k.Name))
	}
	return b.String() + "/"
}

// AthenaDDL creates the table below location, as s3://bucket/prefix.
func (t Table) AthenaDDL(location string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE EXTERNAL TABLE IF NOT EXISTS %s (\n", t.Name)
	for i, c := range t.Columns {
		fmt.Fprintf(&b, "  `%s` %s%s\n", c.Name, c.Type, separator(i, len(t.Columns)))
	}
	keys := make([]string, len(t.Keys))
	for i, k := range t.Keys {
		keys[i] = "`" + k.Name + "` string COMMENT '" + k.Comment + "'"
	}
	fmt.Fprintf(&b, ")\nCOMMENT '%s'\nPARTITIONED BY (%s)\nSTORED AS PARQUET\nLOCATION '%s/'\nTBLPROPERTIES (\n",
		t.Comment, strings.Join(keys, ", "), t.location(location))
	properties := append(t.properties(), [2]string{"storage.location.template", t.location(location) + t.folders("${%s}")})
	for i, p := range properties {
		fmt.Fprintf(&b, "  '%s' = '%s'%s\n", p[0], p[1], separator(i, len(properties)))
	}
	return b.String() + ")"
}

func (t Table) location(lake string) string { return lake + "/" + t.Name + "/" + schema.Dataset }

func separator(i, n int) string {
	if i == n-1 {
		return ""
	}
	return ","
}

// TrinoDDL is the same in Trino's words, for its connector hive.
func (t Table) TrinoDDL(location string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (\n", t.Name)
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "  %s %s,\n", c.Name, trinoType(c.Type))
	}
	names := make([]string, len(t.Keys))
	for i, k := range t.Keys {
		names[i] = "'" + k.Name + "'"
		fmt.Fprintf(&b, "  %s varchar WITH (%s)%s\n", k.Name, k.trino(), separator(i, len(t.Keys)))
	}
	fmt.Fprintf(&b, ") WITH (format = 'PARQUET', external_location = '%s/', partitioned_by = ARRAY[%s], partition_projection_enabled = true,\n"+
		"  partition_projection_location_template = '%s')", t.location(location), strings.Join(names, ", "), t.location(location)+t.folders("${%s}"))
	return b.String()
}

// trino is the projection in Trino's words.
func (k key) trino() string {
	list := make([]string, len(k.Projection))
	for i, p := range k.Projection {
		value := "'" + p[1] + "'"
		switch p[0] {
		case "range":
			value = "ARRAY['" + strings.ReplaceAll(p[1], ",", "', '") + "']"
		case "interval":
			value = p[1]
		}
		list[i] = "partition_projection_" + strings.ReplaceAll(p[0], ".", "_") + " = " + value
	}
	return strings.Join(list, ", ")
}

func trinoType(athena string) string {
	switch athena {
	case "string":
		return "varchar"
	case "binary":
		return "varbinary"
	case "int":
		return "integer"
	case "timestamp":
		return "timestamp(3)"
	}
	if element, ok := strings.CutPrefix(athena, "array<"); ok {
		return "array(" + trinoType(strings.TrimSuffix(element, ">")) + ")"
	}
	if entry, ok := strings.CutPrefix(athena, "map<"); ok {
		k, v, _ := strings.Cut(strings.TrimSuffix(entry, ">"), ",")
		return "map(" + trinoType(k) + ", " + trinoType(v) + ")"
	}
	if fields, ok := strings.CutPrefix(athena, "struct<"); ok {
		list := strings.Split(strings.TrimSuffix(fields, ">"), ",")
		for i, f := range list {
			name, kind, _ := strings.Cut(f, ":")
			list[i] = name + " " + trinoType(kind)
		}
		return "row(" + strings.Join(list, ", ") + ")"
	}
	return athena
}
