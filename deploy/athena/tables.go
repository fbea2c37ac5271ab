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
}

// Tables are the three layers, and the copies of silver and gold that consumer compact makes.
func Tables() ([]Table, error) {
	var tables []Table
	for _, l := range []struct {
		layer   schema.Layer
		comment string
		row     any
	}{
		{schema.Bronze, "Messages of the complaints topic as they came", schema.BronzeRow{}},
		{schema.Silver, "Classified complaints with their text, typed, tidied, personal data masked", schema.SilverRow{}},
		{schema.Gold, "Classified complaints for reports, without text", schema.GoldRow{}},
		{schema.Silver.Daily(), "Closed days of silver in large objects, for the view silver_all", schema.SilverRow{}},
		{schema.Gold.Daily(), "Closed days of gold in large objects, for the view gold_all", schema.GoldRow{}},
	} {
		columns, err := columnsOf(reflect.TypeOf(l.row))
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", l.layer, err)
		}
		tables = append(tables, Table{string(l.layer), l.comment, columns})
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
	return [][2]string{
		{"classification", "parquet"},
		{"projection.enabled", "true"},
		{"projection.dt.type", "date"},
		{"projection.dt.format", "yyyy-MM-dd"},
		{"projection.dt.range", FirstDay + ",NOW+1DAYS"},
		{"projection.dt.interval", "1"},
		{"projection.dt.interval.unit", "DAYS"},
	}
}

// AthenaDDL creates the table below location, as s3://bucket/prefix.
func (t Table) AthenaDDL(location string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE EXTERNAL TABLE IF NOT EXISTS %s (\n", t.Name)
	for i, c := range t.Columns {
		fmt.Fprintf(&b, "  `%s` %s%s\n", c.Name, c.Type, separator(i, len(t.Columns)))
	}
	fmt.Fprintf(&b, ")\nCOMMENT '%s'\nPARTITIONED BY (`dt` string COMMENT 'day of the Kafka timestamp, UTC')\nSTORED AS PARQUET\nLOCATION '%s/'\nTBLPROPERTIES (\n",
		t.Comment, t.location(location))
	properties := append(t.properties(), [2]string{"storage.location.template", t.location(location) + "/dt=${dt}/"})
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
	fmt.Fprintf(&b, "  dt varchar WITH (partition_projection_type = 'date', partition_projection_format = 'yyyy-MM-dd',\n"+
		"    partition_projection_range = ARRAY['%s', 'NOW+1DAYS'], partition_projection_interval = 1, partition_projection_interval_unit = 'DAYS')\n", FirstDay)
	fmt.Fprintf(&b, ") WITH (format = 'PARQUET', external_location = '%s/', partitioned_by = ARRAY['dt'], partition_projection_enabled = true,\n"+
		"  partition_projection_location_template = '%s/dt=${dt}/')", t.location(location), t.location(location))
	return b.String()
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
