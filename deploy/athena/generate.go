package athena

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed views/*.sql queries/*.sql
var files embed.FS

// views in the order in which they can be created: daily_counts and needs_review read gold_latest.
var views = []string{"gold_latest", "daily_counts", "needs_review", "labels_latest"}

// generate gives the text of tables.sql, and the CloudFormation template with the same as Glue tables, the workgroup and
// the queries.
func generate() (ddl, glue string, err error) {
	tables, err := Tables()
	if err != nil {
		return "", "", err
	}
	var b strings.Builder
	b.WriteString("-- Made from the Go row types: go test ./deploy/athena -update. Put the lake's address in place of s3://BUCKET.\n" +
		"-- Athena takes one statement at a time. On AWS, deploy/aws/tables.yaml makes the same tables.\n")
	for _, t := range tables {
		b.WriteString("\n" + t.AthenaDDL("s3://BUCKET") + ";\n")
	}
	template, err := cloudFormation(tables)
	return b.String(), template, err
}

const templateHead = `AWSTemplateFormatVersion: "2010-09-09"
Description: Complaints 4 of 6. Tables of the lake in Glue, a workgroup of Athena with a limit, views and queries. Made from the Go row types.

# go test ./deploy/athena -update writes this file. Views are created by running the named queries "view ...", once, in their order.

Parameters:
  Name:
    Type: String
    Default: complaints
    AllowedPattern: "[a-z][a-z0-9-]{1,20}"
  Bucket: {Type: String}
  ResultsBucket: {Type: String}
  LakeKeyArn: {Type: String}
  ScanLimitBytes:
    Type: Number
    Default: 107374182400
    MinValue: 10000000
    Description: A query that would scan more is stopped. 100 GiB cost half a dollar.

Resources:
  Database:
    Type: AWS::Glue::Database
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseInput: {Name: complaints, Description: The lake of complaints}
  Workgroup:
    Type: AWS::Athena::WorkGroup
    Properties:
      Name: !Ref Name
      Description: Queries on the lake of complaints
      RecursiveDeleteOption: true
      WorkGroupConfiguration:
        EnforceWorkGroupConfiguration: true
        PublishCloudWatchMetricsEnabled: true
        BytesScannedCutoffPerQuery: !Ref ScanLimitBytes
        EngineVersion: {SelectedEngineVersion: Athena engine version 3}
        ResultConfiguration:
          OutputLocation: !Sub "s3://${ResultsBucket}/results/"
          EncryptionConfiguration: {EncryptionOption: SSE_KMS, KmsKey: !Ref LakeKeyArn}
`

func cloudFormation(tables []Table) (string, error) {
	var b strings.Builder
	b.WriteString(templateHead)
	for _, t := range tables {
		t.glue(&b)
	}
	for i, name := range views {
		if err := namedQuery(&b, fmt.Sprintf("View%d", i+1), "view "+name, path.Join("views", name+".sql")); err != nil {
			return "", err
		}
	}
	queries, err := fs.Glob(files, "queries/*.sql")
	if err != nil {
		return "", err
	}
	for i, file := range queries {
		name := strings.ReplaceAll(strings.TrimSuffix(path.Base(file), ".sql"), "_", " ")
		if err := namedQuery(&b, fmt.Sprintf("Query%d", i+1), name, file); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// logicalName is a table's name as CloudFormation takes it: letters and digits only.
func logicalName(table string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(table, "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

func (t Table) glue(b *strings.Builder) {
	keys := make([]string, len(t.Keys))
	for i, k := range t.Keys {
		keys[i] = "{Name: " + k.Name + ", Type: string}"
	}
	fmt.Fprintf(b, `  Table%s:
    Type: AWS::Glue::Table
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseName: !Ref Database
      TableInput:
        Name: %s
        Description: %s
        TableType: EXTERNAL_TABLE
        PartitionKeys: [%s]
        Parameters:
          EXTERNAL: "TRUE"
`, logicalName(t.Name), t.Name, t.Comment, strings.Join(keys, ", "))
	for _, p := range t.properties() {
		fmt.Fprintf(b, "          %s: %q\n", p[0], p[1])
	}
	fmt.Fprintf(b, `          storage.location.template: !Sub "%s"
        StorageDescriptor:
          Location: !Sub "%s/"
          InputFormat: org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat
          OutputFormat: org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat
          SerdeInfo: {SerializationLibrary: org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe}
          Columns:
`, t.location("s3://${Bucket}")+t.folders("${!%s}"), t.location("s3://${Bucket}"))
	for _, c := range t.Columns {
		fmt.Fprintf(b, "            - {Name: %s, Type: %q}\n", c.Name, c.Type)
	}
}

func namedQuery(b *strings.Builder, id, name, file string) error {
	text, err := files.ReadFile(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, `  %s:
    Type: AWS::Athena::NamedQuery
    DependsOn: Workgroup
    Properties:
      Database: !Ref Database
      WorkGroup: !Ref Name
      Name: %s
      QueryString: |
`, id, name)
	for line := range strings.Lines(string(text)) {
		b.WriteString("        " + line)
	}
	return nil
}
