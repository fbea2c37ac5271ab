//go:build servers

package servers

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestTrinoReadsTheBucket(t *testing.T) {
	bucket := VersityGW(t)
	trino := Trino(t, bucket)
	_, err := bucket.Client().PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &bucket.Bucket, Key: aws.String("letters/dt=2026-11-24/a.csv"), Body: strings.NewReader("a,1\nb,2\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	trino.Query(t, fmt.Sprintf(`CREATE TABLE letters (letter varchar, number varchar, dt date WITH (
			partition_projection_type = 'date', partition_projection_format = 'yyyy-MM-dd',
			partition_projection_range = ARRAY['2026-11-01', '2026-11-30']))
		WITH (format = 'CSV', external_location = 's3://%[1]s/letters/', partitioned_by = ARRAY['dt'],
			partition_projection_enabled = true,
			partition_projection_location_template = 's3://%[1]s/letters/dt=${dt}')`, bucket.Bucket))
	rows := trino.Query(t, "SELECT letter, CAST(number AS bigint) FROM letters WHERE dt = DATE '2026-11-24' ORDER BY 1")
	if got := fmt.Sprint(rows); got != "[[a 1] [b 2]]" || rows[0][1] != json.Number("1") {
		t.Errorf("read %s", got)
	}
}
