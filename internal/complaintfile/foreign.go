package complaintfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// foreignError names a format that is not read, and says what to do.
func foreignError(kind, what string) error {
	return fmt.Errorf("the file is %s, which is not read: %s", kind, what)
}

const (
	unpackFirst = "unpack it first and give what is in it"
	exportCSV   = "export it as CSV UTF-8 or JSON lines"
)

// foreign are the first bytes of formats that are not read.
var foreign = []struct{ magic, kind, what string }{
	{"PAR1", "Parquet", "convert it first: duckdb -c \"COPY 'FILE' TO 'complaints.csv'\""},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old form (xls) or an encrypted one", "save it as CSV UTF-8"},
	{"\xfd7zXZ\x00", "packed by xz", "unpack it first: xz -dc FILE | producer -"},
	{"\x04\x22\x4d\x18", "packed by lz4", "unpack it first: lz4 -dc FILE | producer -"},
	{"\xff\x06\x00\x00sNaPpY", "packed by snappy", unpackFirst},
	{"\x1f\x9d", "packed by compress (.Z)", "unpack it first: gzip -dc FILE | producer -"},
	{"]\x00\x00", "packed by lzma", "unpack it first: xz --format=lzma -dc FILE | producer -"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive", unpackFirst},
	{"Rar!\x1a\x07", "a RAR archive", unpackFirst},
	{"MSCF", "a cabinet archive", unpackFirst},
	{"%PDF-", "a PDF", "take its texts out first"},
	{`{\rtf`, "rich text (RTF)", "save it as text"},
	{"ORC", "ORC", exportCSV},
	{"Obj\x01", "an Avro container", exportCSV},
	{"SEQ\x06", "a Hadoop sequence file", exportCSV},
	{"ARROW1", "Arrow (Feather)", exportCSV},
	{"SQLite format 3\x00", "an SQLite database", exportCSV},
	{"\x89HDF\r\n\x1a\n", "HDF5", exportCSV},
	{"\x93NUMPY", "a NumPy array", exportCSV},
	{"\x80\x02", "a Python pickle", exportCSV},
	{"\x80\x03", "a Python pickle", exportCSV},
	{"\x80\x04", "a Python pickle", exportCSV},
	{"\x80\x05", "a Python pickle", exportCSV},
	{"RDX2\n", "R data", exportCSV},
	{"RDX3\n", "R data", exportCSV},
	{"X\n\x00\x00", "an R object (rds)", exportCSV},
	{"<stata_dta>", "a Stata file", exportCSV},
	{"$FL2@(#)", "an SPSS file", exportCSV},
	{"$FL3@(#)", "an SPSS file", exportCSV},
	{"\x89PNG", "a picture", "it holds no text"},
	{"\xff\xd8\xff", "a picture", "it holds no text"},
	{"GIF87a", "a picture", "it holds no text"},
	{"GIF89a", "a picture", "it holds no text"},
	{"\x7fELF", "a program", "it holds no text"},
	{"MZ\x90\x00", "a program", "it holds no text"},
}

// magicBytes is how many bytes tell the formats apart.
const magicBytes = 8

// byMagic returns an error if the first bytes are those of a format that is not
// read. Up to four letters may begin a header too: PAR1 is Parquet only if what follows is no text.
func byMagic(head []byte) error {
	if len(head) == magicBytes && string(head[:3]) == "BZh" && string(head[4:7]) == "1AY" {
		return foreignError("packed by bzip2", "unpack it first: bzip2 -dc FILE | producer -")
	}
	for _, f := range foreign {
		magic := f.magic[:min(len(f.magic), magicBytes)]
		if bytes.HasPrefix(head, []byte(magic)) && (len(magic) > 4 || !isPlain(head)) {
			return foreignError(f.kind, f.what)
		}
	}
	return nil
}

// isPlain says whether b has neither control characters nor anything beyond ASCII.
func isPlain(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c > '~' || c < ' ' && c != '\t' && c != '\r' && c != '\n' })
}

// byText says what a text is that has no header of complaints, if that is known.
func byText(head []byte) error {
	lower := bytes.ToLower(bytes.TrimLeft(head, " \t\r\n"))
	has := func(prefix string) bool { return bytes.HasPrefix(lower, []byte(prefix)) }
	switch {
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return foreignError("a tar archive", "unpack it first: tar -xf FILE")
	case has("<!doctype html"), has("<html"), has("<head"), has("<table"), has("<!--"):
		return foreignError("a web page (HTML)", "an error page of a server may have been saved in its place")
	case has("<"):
		return foreignError("XML", exportCSV)
	case has("--") && bytes.Contains(lower, []byte("content-disposition:")):
		return foreignError("a form of several parts (multipart)", "send the file alone as the body: curl -T FILE")
	case has("version https://git-lfs"):
		return foreignError("a pointer of Git LFS", "fetch what it stands for: git lfs pull")
	case bytes.IndexByte(head, 0) >= 0:
		return errBinary
	}
	return nil
}

var errBinary = errors.New("the file is no text: it is binary, of a format that is not known")

// officeKind names the documents that are zips.
func officeKind(names []string) (kind string, ok bool) {
	inside := func(prefix string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, prefix) })
	}
	switch {
	case inside("xl/"):
		return "an Excel workbook (xlsx)", true
	case inside("word/"):
		return "a Word document (docx)", true
	case inside("mimetype") || inside("META-INF/manifest.xml"):
		return "an OpenDocument file (ods, odt)", true
	case inside("[Content_Types].xml") || inside("_rels/") || inside("docProps/"):
		return "an Excel workbook (xlsx) or another Office document", true
	case inside("META-INF/MANIFEST.MF"):
		return "a Java archive", true
	}
	return "", false
}
