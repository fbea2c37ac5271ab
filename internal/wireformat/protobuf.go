package wireformat

import (
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// mainFile is the name of a schema's own file, which it does not say.
const mainFile = "complaints_main_schema.proto"

// builtin are the files that Confluent's serializers take for known everywhere, beside those of Protobuf itself.
//
//go:embed builtin
var builtin embed.FS

// protobufReader reads the message that its index names in the schema's file.
func protobufReader(ctx context.Context, text string, references []file) (reader, error) {
	files := map[string]string{mainFile: text}
	for _, r := range references {
		files[r.name] = r.text
	}
	resolver := protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		if text, ok := files[path]; ok {
			return source(path, text), nil
		}
		text, err := fs.ReadFile(builtin, "builtin/"+path)
		return source(path, string(text)), err
	})
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(resolver), MaxParallelism: 1}
	compiled, err := compiler.Compile(ctx, mainFile)
	if err != nil {
		return nil, err
	}
	return func(payload []byte) ([]byte, error) { return readProtobuf(compiled[0], payload) }, nil
}

// source takes a file as text, or as the descriptor in base64 that some clients register in its place.
func source(path, text string) protocompile.SearchResult {
	if bytes, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err == nil {
		descriptor := new(descriptorpb.FileDescriptorProto)
		if proto.Unmarshal(bytes, descriptor) == nil {
			descriptor.Name = &path
			nameInJSON(descriptor.GetMessageType())
			return protocompile.SearchResult{Proto: descriptor}
		}
	}
	return protocompile.SearchResult{Source: strings.NewReader(text)}
}

// nameInJSON fills in what clients leave out and the compiler wants. Nothing reads it: members have the names in the schema.
func nameInJSON(messages []*descriptorpb.DescriptorProto) {
	for _, m := range messages {
		for _, f := range m.GetField() {
			f.JsonName = f.Name
		}
		nameInJSON(m.GetNestedType())
	}
}

// maxNesting bounds the definitions of messages within others.
const maxNesting = 32

func readProtobuf(file protoreflect.FileDescriptor, payload []byte) ([]byte, error) {
	index, payload, err := new(sr.ConfluentHeader).DecodeIndex(payload, maxNesting)
	if err != nil {
		return nil, errors.New("it begins with no index of a message")
	}
	descriptor := messageAt(file, index)
	if descriptor == nil {
		return nil, fmt.Errorf("the schema has no message with the index %v", index)
	}
	message := dynamicpb.NewMessage(descriptor)
	if err := proto.Unmarshal(payload, message); err != nil {
		return nil, err
	}
	value, err := object(message)
	if err != nil {
		return nil, err
	}
	return appendJSON(value)
}

// messageAt follows the places of definitions, each within the one before; nil where there is none.
func messageAt(file protoreflect.FileDescriptor, index []int) protoreflect.MessageDescriptor {
	var found protoreflect.MessageDescriptor
	messages := file.Messages()
	for _, i := range index {
		if i < 0 || i >= messages.Len() {
			return nil
		}
		found = messages.Get(i)
		messages = found.Messages()
	}
	return found
}

// object gives the members of a message that are set, by the names in the schema. Messages that stand for a value become it.
func object(m protoreflect.Message) (any, error) {
	if value, ok, err := wellKnown(m); ok || err != nil {
		return value, err
	}
	members := map[string]any{}
	var err error
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		members[string(f.Name())], err = fieldValue(f, v)
		return err == nil
	})
	return members, err
}

func wellKnown(m protoreflect.Message) (value any, ok bool, err error) {
	field := func(name protoreflect.Name) protoreflect.Value { return m.Get(m.Descriptor().Fields().ByName(name)) }
	switch name := m.Descriptor().FullName(); {
	case name == "google.protobuf.Any" || name == "google.protobuf.Empty": // as any other message: what is in it may be of no schema here
		return nil, false, nil
	case name.Parent() == "google.protobuf":
		b, err := protojson.Marshal(m.Interface())
		if err != nil {
			return nil, false, fmt.Errorf("a %s is not valid", name)
		}
		return json.RawMessage(b), true, nil
	case name == "confluent.type.Decimal":
		value, err := decimal(field("value").Bytes(), int(field("scale").Int()))
		return value, true, err
	case name == "google.type.Decimal":
		return field("value").String(), true, nil
	case name == "google.type.Date":
		y, m, d := field("year").Int(), field("month").Int(), field("day").Int()
		if y == 0 || m == 0 || d == 0 { // a birthday, or a month
			return nil, false, nil
		}
		return fmt.Sprintf("%04d-%02d-%02d", y, m, d), true, nil
	}
	return nil, false, nil
}

func fieldValue(f protoreflect.FieldDescriptor, v protoreflect.Value) (any, error) {
	switch {
	case f.IsMap():
		members := map[string]any{}
		var err error
		v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			members[k.String()], err = scalar(f.MapValue(), v)
			return err == nil
		})
		return members, err
	case f.IsList():
		elements := make([]any, v.List().Len())
		for i := range elements {
			var err error
			if elements[i], err = scalar(f, v.List().Get(i)); err != nil {
				return nil, err
			}
		}
		return elements, nil
	}
	return scalar(f, v)
}

// scalar is a value that is neither map nor list.
func scalar(f protoreflect.FieldDescriptor, v protoreflect.Value) (any, error) {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return object(v.Message())
	case protoreflect.EnumKind:
		if e := f.Enum().Values().ByNumber(v.Enum()); e != nil {
			return string(e.Name()), nil
		}
		return int32(v.Enum()), nil // of a newer schema
	default:
		return v.Interface(), nil
	}
}
