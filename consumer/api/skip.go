package api

// maxDepth bounds how deep a value that is refused may nest.
const maxDepth = 100

// skip passes over a value of any kind and says whether it is JSON. What it
// passes is refused in any case; it only tells a wrong type from bad syntax.
func (d *decoder) skip(depth int) bool {
	switch c := d.peek(); {
	case depth > maxDepth:
		return false
	case c == '"':
		_, err := d.text()
		return err == nil
	case c == '{':
		return d.skipMembers('}', depth, true)
	case c == '[':
		return d.skipMembers(']', depth, false)
	case c == 't':
		return d.word("true")
	case c == 'f':
		return d.word("false")
	case c == 'n':
		return d.word("null")
	}
	return d.number()
}

func (d *decoder) skipMembers(end byte, depth int, named bool) bool {
	d.i++
	if d.space(); d.peek() == end {
		d.i++
		return true
	}
	for {
		if d.space(); named {
			if _, err := d.text(); err != nil {
				return false
			}
			if d.space(); d.peek() != ':' {
				return false
			}
			d.i++
			d.space()
		}
		if !d.skip(depth + 1) {
			return false
		}
		d.space()
		switch d.peek() {
		case ',':
			d.i++
		case end:
			d.i++
			return true
		default:
			return false
		}
	}
}

func (d *decoder) word(w string) bool {
	if len(d.src)-d.i < len(w) || string(d.src[d.i:d.i+len(w)]) != w {
		return false
	}
	d.i += len(w)
	return true
}

// number passes over a number as RFC 8259 has it.
func (d *decoder) number() bool {
	if d.peek() == '-' {
		d.i++
	}
	if d.peek() == '0' {
		d.i++
	} else if !d.digits() {
		return false
	}
	if d.peek() == '.' {
		d.i++
		if !d.digits() {
			return false
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		d.i++
		if c := d.peek(); c == '+' || c == '-' {
			d.i++
		}
		return d.digits()
	}
	return true
}

func (d *decoder) digits() bool {
	start := d.i
	for c := d.peek(); '0' <= c && c <= '9'; c = d.peek() {
		d.i++
	}
	return d.i > start
}
