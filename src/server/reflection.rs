//! gRPC reflection: what the service is called and takes, for tools that ask (arrow-flight carries no description of itself).

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
};

const PACKAGE: &str = "arrow.flight.protocol";
const TIMESTAMP: &str = "google.protobuf.Timestamp";

/// The type of a field.
enum Kind {
    Bytes,
    Text,
    Texts,
    Int,
    Unsigned,
    Bool,
    Double,
    One(&'static str),
    Many(&'static str),
    Time,
    DescriptorType,
}
use Kind::{Bool, Bytes, Double, Int, Many, One, Text, Texts, Time, Unsigned};

/// Messages with their fields, which are numbered from 1 but for the body of data.
const MESSAGES: [(&str, &[(&str, Kind)]); 16] = [
    ("HandshakeRequest", &[("protocol_version", Unsigned), ("payload", Bytes)]),
    ("HandshakeResponse", &[("protocol_version", Unsigned), ("payload", Bytes)]),
    ("Empty", &[]),
    ("ActionType", &[("type", Text), ("description", Text)]),
    ("Criteria", &[("expression", Bytes)]),
    ("Action", &[("type", Text), ("body", Bytes)]),
    ("Result", &[("body", Bytes)]),
    ("SchemaResult", &[("schema", Bytes)]),
    ("FlightDescriptor", &[("type", Kind::DescriptorType), ("cmd", Bytes), ("path", Texts)]),
    (
        "FlightInfo",
        &[
            ("schema", Bytes),
            ("flight_descriptor", One("FlightDescriptor")),
            ("endpoint", Many("FlightEndpoint")),
            ("total_records", Int),
            ("total_bytes", Int),
            ("ordered", Bool),
            ("app_metadata", Bytes),
        ],
    ),
    (
        "PollInfo",
        &[
            ("info", One("FlightInfo")),
            ("flight_descriptor", One("FlightDescriptor")),
            ("progress", Double),
            ("expiration_time", Time),
        ],
    ),
    (
        "FlightEndpoint",
        &[
            ("ticket", One("Ticket")),
            ("location", Many("Location")),
            ("expiration_time", Time),
            ("app_metadata", Bytes),
        ],
    ),
    ("Location", &[("uri", Text)]),
    ("Ticket", &[("ticket", Bytes)]),
    (
        "FlightData",
        &[
            ("flight_descriptor", One("FlightDescriptor")),
            ("data_header", Bytes),
            ("app_metadata", Bytes),
            ("data_body", Bytes),
        ],
    ),
    ("PutResult", &[("app_metadata", Bytes)]),
];

/// The number of the body of data.
const DATA_BODY: i32 = 1000;

/// A message that a method takes or returns, and whether it is a stream of them.
type Side = (&'static str, bool);

/// Methods with what they take and return.
const METHODS: [(&str, Side, Side); 10] = [
    ("Handshake", ("HandshakeRequest", true), ("HandshakeResponse", true)),
    ("ListFlights", ("Criteria", false), ("FlightInfo", true)),
    ("GetFlightInfo", ("FlightDescriptor", false), ("FlightInfo", false)),
    ("PollFlightInfo", ("FlightDescriptor", false), ("PollInfo", false)),
    ("GetSchema", ("FlightDescriptor", false), ("SchemaResult", false)),
    ("DoGet", ("Ticket", false), ("FlightData", true)),
    ("DoPut", ("FlightData", true), ("PutResult", true)),
    ("DoExchange", ("FlightData", true), ("FlightData", true)),
    ("DoAction", ("Action", false), ("Result", true)),
    ("ListActions", ("Empty", false), ("ActionType", true)),
];

/// The description of the Flight service.
pub(super) fn descriptors() -> FileDescriptorSet {
    let timestamp = FileDescriptorProto {
        name: Some("google/protobuf/timestamp.proto".into()),
        package: Some("google.protobuf".into()),
        message_type: vec![DescriptorProto {
            name: Some("Timestamp".into()),
            field: vec![
                field("seconds", 1, Type::Int64, Label::Optional),
                field("nanos", 2, Type::Int32, Label::Optional),
            ],
            ..DescriptorProto::default()
        }],
        syntax: Some("proto3".into()),
        ..FileDescriptorProto::default()
    };
    let flight = FileDescriptorProto {
        name: Some("Flight.proto".into()),
        package: Some(PACKAGE.into()),
        dependency: timestamp.name.clone().into_iter().collect(),
        message_type: MESSAGES.iter().map(|(name, fields)| message(name, fields)).collect(),
        service: vec![service()],
        syntax: Some("proto3".into()),
        ..FileDescriptorProto::default()
    };
    FileDescriptorSet { file: vec![timestamp, flight] }
}

fn message(name: &str, fields: &[(&str, Kind)]) -> DescriptorProto {
    let fields = (1..).zip(fields).map(|(number, (name, kind))| {
        let number = if *name == "data_body" { DATA_BODY } else { number };
        let plain = |kind| field(name, number, kind, Label::Optional);
        let typed = |mut field: FieldDescriptorProto, name: String| {
            field.type_name = Some(format!(".{name}"));
            field
        };
        let of = |message: &str, label| {
            typed(field(name, number, Type::Message, label), format!("{PACKAGE}.{message}"))
        };
        match kind {
            Bytes => plain(Type::Bytes),
            Text => plain(Type::String),
            Texts => field(name, number, Type::String, Label::Repeated),
            Int => plain(Type::Int64),
            Unsigned => plain(Type::Uint64),
            Bool => plain(Type::Bool),
            Double => plain(Type::Double),
            One(message) => of(message, Label::Optional),
            Many(message) => of(message, Label::Repeated),
            Time => typed(plain(Type::Message), TIMESTAMP.into()),
            Kind::DescriptorType => {
                typed(plain(Type::Enum), format!("{PACKAGE}.FlightDescriptor.DescriptorType"))
            }
        }
    });
    let fields: Vec<_> = fields.collect();
    let values = (0..).zip(["UNKNOWN", "PATH", "CMD"]).map(|(number, name)| EnumValueDescriptorProto {
        name: Some(name.into()),
        number: Some(number),
        ..EnumValueDescriptorProto::default()
    });
    let descriptor_type = EnumDescriptorProto {
        name: Some("DescriptorType".into()),
        value: values.collect(),
        ..EnumDescriptorProto::default()
    };
    DescriptorProto {
        name: Some(name.into()),
        field: fields,
        enum_type: if name == "FlightDescriptor" { vec![descriptor_type] } else { vec![] },
        ..DescriptorProto::default()
    }
}

fn field(name: &str, number: i32, kind: Type, label: Label) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.into()),
        number: Some(number),
        label: Some(label.into()),
        r#type: Some(kind.into()),
        ..FieldDescriptorProto::default()
    }
}

fn service() -> ServiceDescriptorProto {
    let method = |(name, (takes, is_fed), (returns, is_stream)): &(&str, Side, Side)| MethodDescriptorProto {
        name: Some((*name).into()),
        input_type: Some(format!(".{PACKAGE}.{takes}")),
        output_type: Some(format!(".{PACKAGE}.{returns}")),
        client_streaming: Some(*is_fed),
        server_streaming: Some(*is_stream),
        ..MethodDescriptorProto::default()
    };
    ServiceDescriptorProto {
        name: Some("FlightService".into()),
        method: METHODS.iter().map(method).collect(),
        ..ServiceDescriptorProto::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_named_is_described() {
        let FileDescriptorSet { file } = descriptors();
        let mut known = vec![];
        for file in &file {
            for message in &file.message_type {
                let name = format!(".{}.{}", file.package(), message.name());
                known.extend(message.enum_type.iter().map(|inner| format!("{name}.{}", inner.name())));
                known.push(name);
            }
        }
        let fields = file.iter().flat_map(|file| &file.message_type).flat_map(|message| &message.field);
        let mut named: Vec<_> = fields.filter_map(|field| field.type_name.clone()).collect();
        for method in file.iter().flat_map(|file| &file.service).flat_map(|service| &service.method) {
            named.extend([method.input_type().to_string(), method.output_type().to_string()]);
        }
        assert!(named.len() > 20 && named.iter().all(|name| known.contains(name)), "{named:?}\n{known:?}");
    }
}
