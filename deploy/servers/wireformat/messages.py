"""Writes messages by Confluent's own serializers, one a line of JSON: {"format": …, "id": …, "value": base64}.

    messages.py REGISTRY TOPIC COUNT [FORMAT ...]

COUNT messages of each format, avro, protobuf and json. Each schema is registered under TOPIC-FORMAT-value, refers to another, and
differs from that of any other topic, so that it has an id of its own.
"""

import base64
import datetime
import decimal
import json
import sys
import uuid

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.confluent.types import decimal_pb2
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from google.type import date_pb2

UTC = datetime.timezone.utc
RECEIVED = datetime.date(2024, 2, 29)
SENT = datetime.datetime(2024, 3, 1, 12, 30, 15, 250000, tzinfo=UTC)
AMOUNT = decimal.Decimal("1234.50")
CASE = uuid.UUID("7f1d2c5e-0f5b-4a51-9a53-0d6c0c6f1f11")


def text(id):
    return f"Message {id}: the bank lost my mortgage payment – and charged {{$50.00}}."


AVRO_COMPANY = {
    "type": "record", "name": "Company", "namespace": "bank",
    "fields": [{"name": "name", "type": "string"}],
}
AVRO = {
    "type": "record", "name": "Complaint", "namespace": "bank",
    "fields": [
        {"name": "complaint_id", "type": "string"},
        {"name": "number", "type": "long"},
        {"name": "narrative", "type": "string"},
        {"name": "product", "type": {"type": "enum", "name": "Product", "symbols": ["Mortgage", "Other"]}},
        {"name": "state", "type": ["null", "string"], "default": None},
        {"name": "zip_code", "type": ["null", "string"], "default": None},
        {"name": "date_received", "type": {"type": "int", "logicalType": "date"}},
        {"name": "date_sent_to_company", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
        {"name": "opened", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "case", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "bank", "type": "bank.Company"},
    ],
}


def avro(client, topic):
    subject = topic + "-avro-company"
    client.register_schema(subject, Schema(json.dumps(AVRO_COMPANY), "AVRO"))
    schema = Schema(json.dumps(AVRO | {"doc": topic}), "AVRO", [SchemaReference("bank.Company", subject, 1)])
    serialize = AvroSerializer(client, schema)
    return lambda id, n, context: serialize({
        "complaint_id": id, "number": n, "narrative": text(id), "product": "Mortgage", "state": "CA", "zip_code": None,
        "date_received": RECEIVED, "date_sent_to_company": SENT, "opened": SENT, "amount": AMOUNT, "case": str(CASE),
        "bank": {"name": "Example Bank"},
    }, context)


def protobuf_messages(topic):
    """The classes of two files, of which one imports the other, and types of Google's and Confluent's."""
    field = descriptor_pb2.FieldDescriptorProto
    company = descriptor_pb2.FileDescriptorProto(name="bank/company.proto", package="bank", syntax="proto3")
    m = company.message_type.add(name="Company")
    m.field.add(name="name", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)

    main = descriptor_pb2.FileDescriptorProto(name="bank/complaint.proto", package="bank", syntax="proto3")
    main.dependency.extend([
        "bank/company.proto", "google/protobuf/timestamp.proto", "google/type/date.proto", "confluent/type/decimal.proto",
    ])
    product = main.enum_type.add(name="Product")
    product.value.add(name="UNKNOWN", number=0)
    product.value.add(name="MORTGAGE", number=1)
    main.message_type.add(name="Envelope").nested_type.add(name="Other")
    m = main.message_type[0].nested_type.add(name="Complaint")
    for number, (name, kind, of) in enumerate([
        ("complaint_id", field.TYPE_STRING, None),
        ("number", field.TYPE_INT64, None),
        ("narrative", field.TYPE_STRING, None),
        ("sub_product", field.TYPE_ENUM, ".bank.Product"),
        ("state", field.TYPE_STRING, None),
        ("date_received", field.TYPE_MESSAGE, ".google.type.Date"),
        ("date_sent_to_company", field.TYPE_MESSAGE, ".google.protobuf.Timestamp"),
        ("amount", field.TYPE_MESSAGE, ".confluent.type.Decimal"),
        ("case", field.TYPE_STRING, None),
        ("bank", field.TYPE_MESSAGE, ".bank.Company"),
    ], start=1):
        m.field.add(name=name, number=number, type=kind, type_name=of, label=field.LABEL_OPTIONAL)

    main.message_type.add(name="Of_" + topic)

    pool = descriptor_pool.DescriptorPool()
    for known in (timestamp_pb2, date_pb2, decimal_pb2):
        add(pool, known.DESCRIPTOR)
    pool.Add(company)
    pool.Add(main)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("bank.Envelope.Complaint"))


def add(pool, file):
    for dependency in file.dependencies:
        add(pool, dependency)
    pool.AddSerializedFile(file.serialized_pb)


def protobuf(client, topic):
    Complaint = protobuf_messages(topic)
    serialize = ProtobufSerializer(Complaint, client, {"use.deprecated.format": False})

    def message(id, n, context):
        m = Complaint(complaint_id=id, number=n, narrative=text(id), sub_product=1, state="CA", case=str(CASE))
        m.date_received.year, m.date_received.month, m.date_received.day = RECEIVED.year, RECEIVED.month, RECEIVED.day
        m.date_sent_to_company.FromDatetime(SENT)
        unscaled = int(AMOUNT.scaleb(2))
        m.amount.value, m.amount.precision, m.amount.scale = unscaled.to_bytes(3, "big", signed=True), 12, 2
        m.bank.name = "Example Bank"
        return serialize(m, context)

    return message


JSON_COMPANY = {"$id": "http://bank/company.json", "type": "object", "properties": {"name": {"type": "string"}}}
JSON = {
    "$schema": "http://json-schema.org/draft-07/schema#", "title": "Complaint", "type": "object",
    "properties": {
        "complaint_id": {"type": "string"}, "number": {"type": "integer"}, "narrative": {"type": "string"},
        "date_received": {"type": "string"}, "amount": {"type": "number"}, "bank": {"$ref": "http://bank/company.json"},
    },
    "required": ["narrative"],
}


def json_schema(client, topic):
    subject = topic + "-json-company"
    client.register_schema(subject, Schema(json.dumps(JSON_COMPANY), "JSON"))
    schema = Schema(json.dumps(JSON | {"title": topic}), "JSON", [SchemaReference("http://bank/company.json", subject, 1)])
    serialize = JSONSerializer(schema, client)
    return lambda id, n, context: serialize({
        "complaint_id": id, "number": n, "narrative": text(id), "product": "Mortgage", "state": "CA",
        "date_received": RECEIVED.isoformat(), "date_sent_to_company": SENT.isoformat(), "amount": 1234.5, "case": str(CASE), "bank": {"name": "Example Bank"},
    }, context)


def main():
    registry, topic, count, *formats = sys.argv[1:]
    client = SchemaRegistryClient({"url": registry, "timeout": 10})
    makers = {"avro": avro, "protobuf": protobuf, "json": json_schema}
    for form in makers:
        if formats and form not in formats:
            continue
        # A topic of its own for each, so that each has a subject of its own.
        context = SerializationContext(f"{topic}-{form}", MessageField.VALUE)
        message = makers[form](client, topic)
        for n in range(int(count)):
            id = f"{topic}-{form}-{n}"
            value = message(id, n, context)
            print(json.dumps({"format": form, "id": id, "value": base64.b64encode(value).decode()}))


main()
