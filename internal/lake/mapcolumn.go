package lake

import (
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
)

// schemaOf is the Parquet schema of a row type in which a struct of nothing but
// entries (tag key_value, of a key and a value) is a map to every reader. The
// library would write a Go map so too, but in random order and with a lookup an
// entry. It is the older of the two marks for maps, which all readers know; the
// newer one would take the library off its fast way of writing.
func schemaOf[T any]() *parquet.Schema {
	s := parquet.SchemaOf(new(T))
	return parquet.NewSchema(s.Name(), markedNode{s})
}

// markedNode is a group whose maps are marked as such.
type markedNode struct{ parquet.Node }

func (n markedNode) Fields() []parquet.Field {
	fields := n.Node.Fields()
	for i, f := range fields {
		if !f.Leaf() && len(f.Fields()) == 1 && f.Fields()[0].Name() == "key_value" {
			fields[i] = mapField{f}
		}
	}
	return fields
}

type mapField struct{ parquet.Field }

func (f mapField) Type() parquet.Type { return mapType{f.Field.Type()} }

type mapType struct{ parquet.Type }

func (mapType) ConvertedType() *deprecated.ConvertedType { return new(deprecated.Map) }
