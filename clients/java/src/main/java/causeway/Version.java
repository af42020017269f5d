package causeway;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks every generated type with the oldest runtime that it works with, so that it does not compile against one before that,
 * which lacks the constant. A runtime keeps the constants of all versions before it whose generated code it still serves.
 */
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.TYPE)
public @interface Version {
  int V0_1 = 1;

  int value();
}
