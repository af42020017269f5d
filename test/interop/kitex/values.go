package main

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"causeway.test/kitex/gen/kindspb"
)

// filler makes values of any type: no field is left out, no two values in a row are the same, and all fit in eight bits,
// for what is of another size on another wire.
type filler struct{ next int64 }

// enums has the numbers that have names, two in a row unlike, because they may be in a set.
var enums = map[string][]int64{"Color": {1, 2, 4}, "Size": {0, 1, 10, -1}, "Failure": {0}}

// Deeper than this there is nothing, in types that hold themselves.
const maxDepth = 7

func (f *filler) value(of reflect.Type, depth int) reflect.Value {
	value := reflect.New(of).Elem()
	f.next = f.next%100 + 1
	switch of.Kind() {
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if numbers := enums[of.Name()]; numbers != nil {
			value.SetInt(numbers[f.next%int64(len(numbers))])
		} else {
			value.SetInt(f.next * (f.next%2*2 - 1))
		}
	case reflect.Float64:
		value.SetFloat(float64(f.next) / 3)
	case reflect.String:
		value.SetString(fmt.Sprintf("text %d, 世界", f.next))
	case reflect.Slice:
		f.fillSlice(value, depth)
	case reflect.Map:
		if depth < maxDepth {
			value.Set(reflect.MakeMap(of))
			value.SetMapIndex(f.value(of.Key(), depth+1), f.value(of.Elem(), depth+1))
		}
	case reflect.Pointer:
		if depth < maxDepth || of.Elem().Kind() != reflect.Struct {
			value.Set(reflect.New(of.Elem()))
			value.Elem().Set(f.value(of.Elem(), depth))
		}
	case reflect.Struct:
		f.fillStruct(value, depth)
	case reflect.Interface:
		value.Set(reflect.ValueOf(&kindspb.Choice_Number{Number: math.MinInt64}))
	}
	return value
}

func (f *filler) fillSlice(slice reflect.Value, depth int) {
	of := slice.Type().Elem()
	if of.Kind() == reflect.Pointer && depth+1 >= maxDepth {
		return
	}
	for range 2 {
		slice.Set(reflect.Append(slice, f.value(of, depth+1)))
	}
}

func (f *filler) fillStruct(fields reflect.Value, depth int) {
	for i := range fields.NumField() {
		// One alternative of a union at a time.
		if field := fields.Type().Field(i); fields.Type().Name() != "Choice" || field.Name == "Number" || field.Name == "Value" {
			fields.Field(i).Set(f.value(field.Type, depth+1))
		}
	}
}

// textOf writes a value so that equal ones have equal texts: what is empty and what is absent are one, maps are in order.
func textOf(value reflect.Value) string {
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if value.IsNil() {
			return ""
		}
		return textOf(value.Elem())
	case reflect.Slice:
		items := make([]string, value.Len())
		for i := range items {
			items[i] = textOf(value.Index(i))
		}
		// Entries of a map whose keys Protobuf's cannot be.
		if strings.HasSuffix(value.Type().String(), "ByPointEntry") {
			slices.Sort(items)
		}
		return "[" + strings.Join(items, " ") + "]"
	case reflect.Map:
		var entries []string
		for _, key := range value.MapKeys() {
			entries = append(entries, textOf(key)+"="+textOf(value.MapIndex(key)))
		}
		slices.Sort(entries)
		return "{" + strings.Join(entries, " ") + "}"
	case reflect.Struct:
		fields := make([]string, value.NumField())
		for i := range fields {
			fields[i] = value.Type().Field(i).Name + ":" + textOf(value.Field(i))
		}
		return "(" + strings.Join(fields, " ") + ")"
	}
	return fmt.Sprintf("%#v", value.Interface())
}
