package schema

// Topics are the names of the topics.
type Topics struct {
	Complaints string // in: JSON complaints, keyed by complaint id
	Classified string // out: JSON classified complaints, keyed by complaint id
	Labels     string // in: JSON labels, keyed by complaint id
	DeadLetter string // out: messages that are no complaint, byte for byte
}

// TopicNames returns the names of the topics below a prefix, which may be empty.
func TopicNames(prefix string) Topics {
	return Topics{
		Complaints: prefix + "complaints",
		Classified: prefix + "complaints.classified",
		Labels:     prefix + "complaints.labels",
		DeadLetter: prefix + "complaints.dead-letter",
	}
}

// Of returns the topic that a layer is made of, "" for no layer.
func (t Topics) Of(layer Layer) string {
	switch layer {
	case Bronze:
		return t.Complaints
	case Silver, Gold:
		return t.Classified
	case Labels:
		return t.Labels
	}
	return ""
}

// OutputHeadroomBytes is how much larger an output topic's max.message.bytes is
// than the source's: a result is its complaint and what the model says of it.
const OutputHeadroomBytes = 64 << 10
